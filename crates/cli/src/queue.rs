//! `queue`: how full queues are, their limits, pausing and resuming them.

use mindflight_api::codes;
use mindflight_api::job::{Delay, Pause, Queue, QueueChange};

use crate::access::{value, values};
use crate::connect::Session;
use crate::job::time;
use crate::output::span;
use crate::parser::queue::QueueCommand;
use crate::{Column, Exit, Failure, Outcome, Output};

pub(crate) fn run(command: &QueueCommand, session: &Session) -> Outcome {
    let queues = session.client.queues();
    match command {
        QueueCommand::List(pages) => {
            let page = session.wait(queues.list(&pages.paging()))?;
            Ok(Output::list(columns(), values(&page.items)?, page.next))
        }
        QueueCommand::Show { name } => {
            let queue = session.wait(queues.get(name))?;
            Ok(Output::text(lines(&queue), value(&queue)?))
        }
        QueueCommand::Pause { name, reason, span, until } => {
            let span = span.map(|span| Delay::Seconds(span.as_secs_f64()));
            let pause = Pause { reason: reason.clone(), span, until: *until };
            let queue = session.wait(queues.pause(name, &pause))?;
            as_asked(&queue, queue.paused_at.is_some(), "paused")
        }
        QueueCommand::Set { name, concurrency, rate, retention } => {
            let change = QueueChange {
                concurrency: concurrency.as_ref().map(|slots| slots.0),
                rate: rate.as_ref().map(|rate| rate.0.clone()),
                retention: retention.as_ref().map(|span| span.0.clone()),
            };
            let queue = session.wait(queues.change(name, &change))?;
            Ok(Output::text(vec![limits(&queue)], value(&queue)?))
        }
        QueueCommand::Resume { name } => {
            let queue = session.wait(queues.resume(name))?;
            as_asked(&queue, queue.paused_at.is_none(), "resumed")
        }
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("NAME", "name"),
        Column::new("QUEUED", "queued"),
        Column::new("RUNNING", "running"),
        Column::new("SCHEDULED", "scheduled"),
        Column::new("BLOCKED", "blocked"),
        Column::span("OLDEST", "oldest_ms"),
        Column::new("WORKERS", "workers"),
        Column::new("AT ONCE", "concurrency"),
        Column::new("RATE", "rate"),
        Column::new("KEPT", "retention"),
        Column::time("PAUSED", "paused_at"),
    ]
}

fn lines(queue: &Queue) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{}: {} queued, {} running, {} scheduled, {} blocked",
            queue.name, queue.queued, queue.running, queue.scheduled, queue.blocked
        ),
        format!("{} workers take jobs of it", queue.workers),
    ];
    if queue.concurrency.is_some() || queue.rate.is_some() || queue.retention.is_some() {
        lines.push(limits(queue));
    }
    lines.extend(queue.oldest_ms.map(|ms| format!("the next job waits for {}", span(ms))));
    if let Some(at) = queue.paused_at {
        let by = queue.paused_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let why = queue.pause_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let until = queue.paused_until.map(|at| format!(" until {}", time(at))).unwrap_or_default();
        lines.push(format!("paused since {}{until}{by}{why}", time(at)));
        lines.push(format!("next: mindflight queue resume {}", queue.name));
    }
    if !queue.keeps_history {
        lines.push("ended jobs are not kept".to_owned());
    }
    lines
}

/// Its limits, in a line.
fn limits(queue: &Queue) -> String {
    let at_once = queue.concurrency.map(|slots| format!("at most {slots} at once"));
    let rate = queue.rate.as_ref().map(|rate| format!("at most {rate} started"));
    let kept = queue.retention.as_ref().map(|span| format!("kept for {span} after they ended"));
    let all: Vec<String> = at_once.into_iter().chain(rate).chain(kept).collect();
    match all.as_slice() {
        [] => "its jobs have no limits".to_owned(),
        all => format!("its jobs: {}", all.join(", ")),
    }
}

fn as_asked(queue: &Queue, done: bool, word: &str) -> Outcome {
    if done {
        return Ok(Output::text(vec![format!("{} is {word}", queue.name)], value(queue)?));
    }
    let detail = format!("{} was to be {word}, and is not", queue.name);
    Err(Failure::new(Exit::Conflict, &codes::CONFLICT, detail))
}
