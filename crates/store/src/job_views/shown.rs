//! A job as the API shows it: what is stored, and what follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::JobState;
use mindflight_api::job::{Job, JobAction};

use super::{View, reason};

/// What decides how a job is shown, beside itself.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// A job that runs for longer is marked.
    pub long_after: Duration,
    /// What is known here about its provider not serving.
    pub provider: Option<&'a str>,
}

/// A job as the API shows it.
#[must_use]
pub fn shown(view: View, standing: Standing<'_>) -> Job {
    let running_for = view.started_at.map_or(Duration::ZERO, |start| between(start, view.now));
    Job {
        reason: reason(&view, standing.provider),
        long_running: view.state == JobState::Running && running_for > standing.long_after,
        next_poll_ms: next_poll_ms(&view),
        actions: possible(&view),
        id: view.id,
        provider: view.provider.unwrap_or_else(|| provider_of(&view.kind).to_owned()),
        kind: view.kind,
        queue: view.queue,
        state: view.state,
        priority: view.priority,
        attempt: view.attempt,
        max_attempts: view.max_attempts,
        args: view.args,
        result: view.result,
        error: view.error,
        fingerprint: view.fingerprint,
        progress: view.progress,
        attempts: view.attempts,
        tags: view.tags,
        after: view.after,
        then: view.then,
        created_at: view.created_at,
        run_at: view.run_at.unwrap_or(view.created_at),
        started_at: view.started_at,
        finished_at: view.finished_at,
        existing: false,
    }
}

/// `mail.send` is of `mail`; of a tool's name, what is before the first `_`.
fn provider_of(kind: &str) -> &str {
    kind.split_once('.').or_else(|| kind.split_once('_')).map_or(kind, |(provider, _)| provider)
}

fn possible(view: &View) -> Vec<JobAction> {
    let mut possible = actions(view.state).to_vec();
    // What waits for other jobs has no time to be put off to.
    possible.retain(|action| view.waits.is_none() || *action != JobAction::Snooze);
    possible
}

/// What may be done in a state.
#[must_use]
pub const fn actions(state: JobState) -> &'static [JobAction] {
    match state {
        JobState::Scheduled | JobState::Retrying => {
            &[JobAction::Cancel, JobAction::Retry, JobAction::Snooze]
        }
        JobState::Queued | JobState::Blocked => &[JobAction::Cancel, JobAction::Snooze],
        JobState::Running => &[JobAction::Cancel],
        JobState::Succeeded => &[JobAction::Delete],
        JobState::Failed | JobState::Cancelled => &[JobAction::Retry, JobAction::Delete],
    }
}

/// When it is worth asking again, in milliseconds: soon for what may end soon, late for what cannot.
#[must_use]
pub fn next_poll_ms(view: &View) -> Option<u64> {
    let (soonest, latest) = (Duration::from_millis(250), Duration::from_secs(60));
    let is_stuck = view.paused.is_some() || view.kind_workers == Some(0);
    let wait = match view.state {
        JobState::Succeeded | JobState::Failed | JobState::Cancelled => return None,
        JobState::Scheduled | JobState::Retrying => {
            view.run_at.map_or(soonest, |at| between(view.now, at).min(latest))
        }
        JobState::Queued | JobState::Blocked if is_stuck => Duration::from_secs(5),
        JobState::Queued => Duration::from_millis(500),
        JobState::Blocked => Duration::from_secs(1),
        // What has run for a minute does not end in the next second.
        JobState::Running => {
            let age = view.started_at.map_or(Duration::ZERO, |start| between(start, view.now));
            (age / 10).min(Duration::from_secs(5))
        }
    };
    u64::try_from(wait.max(soonest).as_millis()).ok()
}

fn between(from: DateTime<Utc>, to: DateTime<Utc>) -> Duration {
    (to - from).to_std().unwrap_or_default()
}

#[cfg(test)]
pub(super) mod fixture {
    //! A job to make others of.

    use mindflight_api::{JobId, JobState};
    use serde_json::json;

    use crate::job_views::View;

    pub(crate) fn view(state: JobState) -> View {
        let now = "2026-11-21T09:13:00Z".parse().unwrap();
        View {
            id: JobId::new(),
            kind: "unipile.send".to_owned(),
            queue_id: 1,
            queue: "mail".to_owned(),
            paused: None,
            state,
            priority: 5,
            runs_alone: false,
            attempt: 0,
            max_attempts: 10,
            args: json!({}),
            result: None,
            error: None,
            fingerprint: None,
            progress: None,
            attempts: Vec::new(),
            tags: Vec::new(),
            owner: None,
            provider: None,
            created_at: now,
            run_at: None,
            is_put_off: false,
            started_at: None,
            finished_at: None,
            worker: None,
            kind_workers: None,
            gate: None,
            waits: None,
            after: Vec::new(),
            then: Vec::new(),
            ahead: None,
            cancel_requested: false,
            now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::view;
    use super::*;

    const STANDING: Standing<'static> =
        Standing { long_after: Duration::from_secs(300), provider: None };

    #[test]
    fn only_what_runs_for_longer_is_long_running() {
        for (state, seconds, expected) in [
            (JobState::Running, 301, true),
            (JobState::Running, 300, false),
            (JobState::Retrying, 301, false),
        ] {
            let view = view(state);
            let started_at = Some(view.now - Duration::from_secs(seconds));
            assert_eq!(shown(View { started_at, ..view }, STANDING).long_running, expected);
        }
    }

    #[test]
    fn a_poll_is_worth_it_when_something_may_have_happened() {
        let running = |seconds| {
            let view = view(JobState::Running);
            View { started_at: Some(view.now - Duration::from_secs(seconds)), ..view }
        };
        let due = |seconds| {
            let view = view(JobState::Scheduled);
            View { run_at: Some(view.now + Duration::from_secs(seconds)), ..view }
        };
        let stuck = View { kind_workers: Some(0), ..view(JobState::Queued) };
        for (view, expected) in [
            (view(JobState::Queued), Some(500)),
            (stuck, Some(5000)),
            (view(JobState::Blocked), Some(1000)),
            (running(1), Some(250)),
            (running(20), Some(2000)),
            (running(900), Some(5000)),
            (due(0), Some(250)),
            (due(30), Some(30_000)),
            (due(3600), Some(60_000)),
            (view(JobState::Succeeded), None),
            (view(JobState::Failed), None),
        ] {
            assert_eq!(next_poll_ms(&view), expected, "{:?}", view.state);
        }
    }

    #[test]
    fn what_can_be_done_depends_on_the_state() {
        use JobAction::{Cancel, Delete, Retry, Snooze};
        for (state, expected) in [
            (JobState::Scheduled, &[Cancel, Retry, Snooze] as &[_]),
            (JobState::Blocked, &[Cancel, Snooze]),
            (JobState::Running, &[Cancel]),
            (JobState::Succeeded, &[Delete]),
            (JobState::Failed, &[Retry, Delete]),
        ] {
            assert_eq!(shown(view(state), STANDING).actions, expected);
        }
    }

    #[test]
    fn what_waits_for_others_can_only_be_cancelled() {
        let waits = Some(crate::job_views::Waits { unfinished: 1, all: 2 });
        let waiting = View { waits, ..view(JobState::Blocked) };
        assert_eq!(shown(waiting, STANDING).actions, [JobAction::Cancel]);
    }

    #[test]
    fn the_provider_is_what_the_kind_begins_with() {
        assert_eq!(shown(view(JobState::Queued), STANDING).provider, "unipile");
        assert_eq!((provider_of("demo_add"), provider_of("odd")), ("demo", "odd"));
    }
}
