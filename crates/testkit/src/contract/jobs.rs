//! Kinds of jobs that a server can run, with options that make sense.

use std::collections::BTreeSet;

use mindflight_core::Provider;
use mindflight_core::jobs::{Kind, Options};
use mindflight_core::policy::{Backoff, Pattern, Rate};

use super::{Subject, with_kit};

/// The most tags that a job can have.
const MOST_TAGS: usize = 10;

/// No two kinds have the same name; arguments are one object; attempts, waits,
/// tags and schedules make sense; and options that name arguments name some that there are. Subscriptions have patterns
/// that a server takes, no two the same.
pub fn kinds_are_legal<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        let mut names = BTreeSet::new();
        for kind in kit.kinds() {
            if let Some(listens) = &kind.listens {
                let pattern = listens.pattern.parse::<Pattern>();
                assert!(pattern.is_ok(), "the subscription `{}`: {pattern:?}", listens.pattern);
                assert!(names.insert(kind.name.clone()), "two subscriptions `{}`", kind.name);
                continue;
            }
            assert!(names.insert(kind.name.clone()), "two kinds `{}`", kind.name);
            assert_eq!(kind.args["type"], "object", "the arguments of `{}`", kind.name);
            if let Err(mistake) = numbers(&kind.options).and_then(|()| words(&kind)) {
                panic!("the kind `{}`: {mistake}", kind.name);
            }
        }
    });
}

fn numbers(options: &Options) -> Result<(), String> {
    let Backoff { initial, factor, max, jitter, .. } = options.backoff;
    let checks = [
        (options.max_attempts >= 1, "`max_attempts` must be at least 1"),
        (options.priority <= 9, "`priority` must be 0–9"),
        (options.rate.is_none_or(is_rate), "`rate` must be at least 1, in a period above 0"),
        (
            options.rate_by.as_ref().is_none_or(|(_, rate)| is_rate(*rate)),
            "`rate_by` must be at least 1, in a period above 0",
        ),
        (names_one_argument(options), "`rate_by` must name the argument of `concurrency_by`"),
        (options.concurrency != Some(0), "`concurrency` must be at least 1"),
        (initial <= max, "`backoff.initial` must not be longer than `backoff.max`"),
        (factor.is_finite() && factor >= 1.0, "`backoff.factor` must be at least 1"),
        ((0.0..=1.0).contains(&jitter), "`backoff.jitter` must be 0–1"),
        (options.tags.len() <= MOST_TAGS, "at most 10 tags"),
    ];
    first_wrong(checks)
}

fn is_rate(rate: Rate) -> bool {
    rate.count >= 1 && !rate.period.is_zero()
}

fn names_one_argument(options: &Options) -> bool {
    match (&options.concurrency_by, &options.rate_by) {
        (Some((limited, _)), Some((rated, _))) => limited == rated,
        _ => true,
    }
}

fn words(kind: &Kind) -> Result<(), String> {
    let options = &kind.options;
    let checks = [
        (options.tags.iter().all(|tag| !tag.trim().is_empty()), "a tag must not be blank"),
        (
            options.queue.as_ref().is_none_or(|queue| !queue.trim().is_empty()),
            "a queue must have a name",
        ),
    ];
    first_wrong(checks)?;
    for schedule in &options.schedules {
        let fields = schedule.cron.split_ascii_whitespace().count();
        if fields != 5 {
            return Err(format!(
                "`{}` has {fields} fields, and a schedule has five",
                schedule.cron
            ));
        }
        if schedule.zone.trim().is_empty() {
            return Err(format!("`{}` has no time zone", schedule.cron));
        }
    }
    let compared = options.unique.iter().flat_map(|unique| &unique.args);
    let counted = options.concurrency_by.iter().map(|(argument, _)| argument);
    let rated = options.rate_by.iter().map(|(argument, _)| argument);
    for name in compared.chain(counted).chain(rated) {
        if kind.args["properties"].get(name).is_none() {
            return Err(format!("an option names the argument `{name}`, which it does not have"));
        }
    }
    Ok(())
}

fn first_wrong<const N: usize>(checks: [(bool, &str); N]) -> Result<(), String> {
    match checks.into_iter().find(|(is_right, _)| !is_right) {
        Some((_, mistake)) => Err(mistake.to_owned()),
        None => Ok(()),
    }
}
