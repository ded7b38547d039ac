//! `job enqueue`: making a job.

use mindflight_api::codes;
use mindflight_api::job::{Delay, KeyRelease, NewJob, OnFailure, UniqueBy};
use serde_json::Value;

use super::watched_if_asked;
use crate::connect::Session;
use crate::parser::job::JobEnqueue;
use crate::tool::arguments::{Given, typed};
use crate::{Exit, Failure, Outcome, Streams};

pub(super) fn run(
    asked: &JobEnqueue,
    session: impl Fn() -> Result<Session, Failure>,
    streams: &mut Streams<'_>,
) -> Outcome {
    let new = new(asked, streams)?;
    let session = session()?;
    let job = session.wait(session.client.jobs().enqueue(&new)).map_err(as_of_a_kind)?;
    watched_if_asked(&job, asked.wait, &session, streams)
}

fn new(asked: &JobEnqueue, streams: &mut Streams<'_>) -> Result<NewJob, Failure> {
    let given = Given::read("--args", asked.args.as_deref(), &asked.arguments, streams)?;
    let unique = unique(asked);
    Ok(NewJob {
        kind: asked.kind.clone(),
        args: arguments(given)?,
        queue: asked.queue.clone(),
        priority: asked.priority,
        run_at: asked.run_at,
        delay: asked.delay.map(|delay| Delay::Seconds(delay.as_secs_f64())),
        unique_key: asked.unique_key.clone().filter(|_| unique.is_none()),
        unique,
        after: asked.after.iter().map(ToString::to_string).collect(),
        name: None,
        on_failure: asked.on_failure.as_deref().map(|what| match what {
            "run" => OnFailure::Run,
            _ => OnFailure::Cancel,
        }),
        max_attempts: asked.max_attempts,
        tags: asked.tag.clone(),
    })
}

/// More than a key.
fn unique(asked: &JobEnqueue) -> Option<UniqueBy> {
    let release = asked.unique_release.as_deref().map(|when| match when {
        "start" => KeyRelease::Start,
        "period" => KeyRelease::Period,
        _ => KeyRelease::End,
    });
    if release.is_none() && asked.unique_period.is_none() {
        return None;
    }
    let period = asked.unique_period.map(|period| Delay::Seconds(period.as_secs_f64()));
    Some(UniqueBy { args: Vec::new(), key: asked.unique_key.clone(), period, release })
}

fn arguments(given: Given) -> Result<Option<Value>, Failure> {
    match given {
        Given::Json(value) => Ok(Some(value)),
        Given::Words(words) if words.is_empty() => Ok(None),
        Given::Words(words) => typed(words, None).map(Some),
    }
}

/// A kind that nobody has is a wrong name.
fn as_of_a_kind(failure: Failure) -> Failure {
    if failure.problem().code == codes::UNKNOWN_KIND.name {
        failure.exit_with(Exit::NotFound)
    } else {
        failure
    }
}
