//! `job kinds`: the kinds of jobs, and how each is treated.

use mindflight_api::kind::{JobKind, KindBackoff};

use crate::access::{value, values};
use crate::connect::Session;
use crate::output::span;
use crate::{Column, Outcome, Output};

pub(super) fn run(kind: Option<&str>, session: &Session) -> Outcome {
    let jobs = session.client.jobs();
    let Some(kind) = kind else {
        let page = session.wait(jobs.kinds())?;
        return Ok(Output::list(columns(), values(&page.items)?, page.next));
    };
    let kind = session.wait(jobs.kind(kind))?;
    Ok(Output::text(lines(&kind), value(&kind)?))
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("KIND", "kind"),
        Column::new("QUEUE", "queue"),
        Column::new("PRIORITY", "priority"),
        Column::new("TRIES", "max_attempts"),
        Column::span("DEADLINE", "deadline_ms"),
        Column::new("LIMIT", "concurrency"),
        Column::new("RATE", "rate"),
        Column::new("WORKERS", "workers"),
    ]
}

fn lines(kind: &JobKind) -> Vec<String> {
    let mut lines = vec![
        format!("{}: queue {}, priority {}", kind.kind, kind.queue, kind.priority),
        format!("{} workers run it", kind.workers),
        format!("{} attempts, each at most {}", kind.max_attempts, span(kind.deadline_ms)),
        waits(&kind.backoff),
    ];
    if let Some(unique) = &kind.unique {
        let args = unique.args.join(", ");
        let args = if args.is_empty() { "its arguments".to_owned() } else { args };
        let period = unique.period_ms.map(|ms| format!(" in each {}", span(ms)));
        lines.push(format!("unique by {args}{}", period.unwrap_or_default()));
    }
    lines.extend(kind.concurrency.map(|slots| format!("at most {slots} at the same time")));
    lines.extend(kind.concurrency_by.as_ref().map(|limit| {
        format!("at most {} at the same time for each {}", limit.slots, limit.argument)
    }));
    lines.extend(kind.rate.as_ref().map(|rate| format!("at most {rate}")));
    lines.extend(
        kind.rate_by
            .as_ref()
            .map(|limit| format!("at most {} for each {}", limit.rate, limit.argument)),
    );
    lines.extend(kind.schedules.iter().map(|schedule| {
        format!("every `{}` in {}, missed: {}", schedule.cron, schedule.zone, schedule.missed)
    }));
    if !kind.tags.is_empty() {
        lines.push(format!("tags {}", kind.tags.join(", ")));
    }
    if !kind.overrides.is_empty() {
        lines.push(format!("the configuration says: {}", kind.overrides.join(", ")));
    }
    lines.push(format!("args {}", kind.args));
    lines
}

fn waits(backoff: &KindBackoff) -> String {
    let jitter = match backoff.jitter {
        0.0 => String::new(),
        jitter => format!(" ± {:.0} %", jitter * 100.0),
    };
    if !backoff.steps_ms.is_empty() {
        let steps: Vec<String> = backoff.steps_ms.iter().map(|ms| span(*ms)).collect();
        return format!("waits {}{jitter}", steps.join(", "));
    }
    let (initial, max) = (span(backoff.initial_ms), span(backoff.max_ms));
    format!("waits {initial}, each {} times the one before, up to {max}{jitter}", backoff.factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_told_as_they_are_declared() {
        let second = 1000;
        let mut backoff = KindBackoff {
            initial_ms: second,
            factor: 2.0,
            max_ms: second * 3600,
            jitter: 0.25,
            steps_ms: Vec::new(),
        };
        assert_eq!(
            waits(&backoff),
            format!(
                "waits {}, each 2 times the one before, up to {} ± 25 %",
                span(second),
                span(second * 3600)
            )
        );
        backoff.steps_ms = vec![second * 5, second * 300];
        backoff.jitter = 0.0;
        assert_eq!(waits(&backoff), format!("waits {}, {}", span(second * 5), span(second * 300)));
    }
}
