//! `queue`: how full queues are, pausing and resuming them.

use mindflight_api::codes;
use mindflight_api::job::{Pause, Queue};

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
        QueueCommand::Pause { name, reason } => {
            let pause = Pause { reason: reason.clone() };
            let queue = session.wait(queues.pause(name, &pause))?;
            as_asked(&queue, queue.paused_at.is_some(), "paused")
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
    lines.extend(queue.oldest_ms.map(|ms| format!("the next job waits for {}", span(ms))));
    if let Some(at) = queue.paused_at {
        let by = queue.paused_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let why = queue.pause_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        lines.push(format!("paused since {}{by}{why}", time(at)));
        lines.push(format!("next: mindflight queue resume {}", queue.name));
    }
    if !queue.keeps_history {
        lines.push("ended jobs are not kept".to_owned());
    }
    lines
}

fn as_asked(queue: &Queue, done: bool, word: &str) -> Outcome {
    if done {
        return Ok(Output::text(vec![format!("{} is {word}", queue.name)], value(queue)?));
    }
    let detail = format!("{} was to be {word}, and is not", queue.name);
    Err(Failure::new(Exit::Conflict, &codes::CONFLICT, detail))
}
