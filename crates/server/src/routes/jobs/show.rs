//! Reads jobs for an answer: who may see them, and how they are shown.

use mindflight_api::job::Job;
use mindflight_api::provider::State;
use mindflight_api::{JobId, JobState, Scope};
use mindflight_core::ports::{Clock, NewJob};
use mindflight_core::{Caller, Error, Result};
use mindflight_queue::Made;
use mindflight_store::job_views::{self, Standing, View};

use crate::state::AppState;

/// When it is worth asking for a new job, in milliseconds.
const SOON: u64 = 250;

/// One job.
pub(super) async fn one(state: &AppState, id: JobId) -> Result<Option<View>> {
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    state.tasks.run(async move { Ok(views.get(id, alive_for).await?) }).await
}

/// These jobs, as they are shown.
pub(super) async fn all(state: &AppState, ids: Vec<JobId>) -> Result<Vec<Job>> {
    let (views, alive_for) = (state.store.job_views(), state.queue.settings().dead_after);
    let found = state.tasks.run(async move { Ok(views.get_all(&ids, alive_for).await?) }).await?;
    Ok(shown(state, found))
}

/// Jobs as they are shown, with what this instance knows about their providers.
pub(super) fn shown(state: &AppState, views: Vec<View>) -> Vec<Job> {
    let long_after = state.queue.settings().long_after;
    let show = |view: View| {
        // Only then does it matter.
        let note = (view.kind_workers == Some(0)).then(|| provider_note(state, &view)).flatten();
        job_views::shown(view, Standing { long_after, provider: note.as_deref() })
    };
    views.into_iter().map(show).collect()
}

/// Why nobody may be running the jobs of a provider.
fn provider_note(state: &AppState, view: &View) -> Option<String> {
    let name = view.provider.as_deref().or_else(|| view.kind.split('.').next())?;
    let Ok(provider) = state.mounts.get(name) else {
        return Some(format!("this server has no provider `{name}`"));
    };
    if provider.state != State::On {
        let reason = provider.reason.unwrap_or_default();
        return Some(format!("the provider `{name}` is off: {reason}"));
    }
    provider.health.map(|health| format!("the provider `{name}` is not well: {health}"))
}

/// A job that was made a moment ago, as it was then.
pub(super) fn made(id: JobId, wanted: NewJob, facts: Made, clock: &dyn Clock) -> Job {
    let now = clock.now();
    let state = match facts.run_at {
        Some(time) if time > now => JobState::Scheduled,
        Some(_) | None => JobState::Queued,
    };
    Job {
        id,
        kind: wanted.kind,
        provider: facts.provider,
        queue: facts.queue,
        state,
        reason: None,
        priority: facts.priority,
        attempt: 0,
        max_attempts: facts.max_attempts.into(),
        args: wanted.args,
        result: None,
        error: None,
        progress: None,
        attempts: Vec::new(),
        tags: facts.tags,
        long_running: false,
        created_at: now,
        run_at: facts.run_at.unwrap_or(now),
        started_at: None,
        finished_at: None,
        next_poll_ms: Some(SOON),
        actions: job_views::actions(state).to_vec(),
        existing: false,
    }
}

/// Whether the caller may do what `needed` allows with this job: with the scope, or because it is its own.
pub(super) fn visible(view: &View, caller: &Caller, needed: &Scope) -> Result<()> {
    if view.owner.as_ref() == Some(&caller.space()) {
        return Ok(());
    }
    caller.require(needed)
}

pub(super) fn absent(id: JobId) -> Error {
    Error::not_found(format!(
        "there is no job {id}; ended jobs are kept for a time, then forgotten"
    ))
    .fix("List the jobs with `GET /api/jobs`.")
}
