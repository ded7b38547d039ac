//! P5: deadlines, schedules and subscriptions that behave when things go slowly or wrong.

use std::time::Duration;

use super::rules::{P501, P502, P503, P504, P505, P506};
use super::{Findings, Subject};
use crate::jobs::Kind;

/// Clients and proxies in between rarely wait longer.
const LONGEST_CALL: Duration = Duration::from_secs(300);

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    for tool in &subject.surface.tools {
        call(tool.options.timeout, &subject.tool(&tool.name), found);
    }
    for route in &subject.surface.routes {
        call(route.timeout, &format!("route {} {}", route.method, route.path), found);
    }
    for kind in &subject.surface.jobs {
        attempts(kind, &subject.kind(&kind.name), found);
    }
    for one in &subject.surface.subscriptions {
        if one.pattern == "**" && one.source.is_none() {
            found.add(
                &P505,
                format!("subscription {}", one.pattern),
                "every event of every source",
            );
        }
    }
}

fn call(timeout: Duration, at: &str, found: &mut Findings) {
    if timeout.is_zero() {
        found.add(&P502, at, "`timeout` is 0");
    } else if timeout > LONGEST_CALL {
        found.add(&P501, at, format!("`timeout` is {} s", timeout.as_secs()));
    }
}

fn attempts(kind: &Kind, at: &str, found: &mut Findings) {
    let options = &kind.options;
    if options.deadline.is_zero() {
        found.add(&P502, at, "`deadline` is 0");
    }
    let alone = options.unique.is_some() || options.concurrency == Some(1) || options.transactional;
    if let Some(schedule) = options.schedules.first().filter(|_| !alone) {
        found.add(&P503, at, format!("`{}`, and nothing keeps two apart", schedule.cron));
    }
    if options.max_attempts == 1 && options.transactional {
        found.add(&P504, at, "`transactional()` and `max_attempts(1)`");
    }
    if let (Some((limited, _)), Some((rated, _))) = (&options.concurrency_by, &options.rate_by)
        && limited != rated
    {
        found.add(&P506, at, format!("a limit by `{limited}` and a rate by `{rated}`"));
    }
}
