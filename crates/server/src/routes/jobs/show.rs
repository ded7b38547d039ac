//! Reads jobs for an answer: who may see them, and how they are shown.

use mindflight_api::job::Job;
use mindflight_api::provider::State;
use mindflight_api::{JobId, JobState, Scope};
use mindflight_core::ports::{Clock, NewJob};
use mindflight_core::{Caller, Error, Result};
use mindflight_store::job_views::{self, Standing, View};

use crate::state::AppState;

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

/// A job that was made a moment ago, has ended, and is not kept.
pub(super) fn forgotten(id: JobId, wanted: &NewJob, clock: &dyn Clock) -> Job {
    let now = clock.now();
    let provider = wanted.kind.split('.').next().unwrap_or_default();
    Job {
        id,
        kind: wanted.kind.clone(),
        provider: provider.to_owned(),
        queue: wanted.options.queue.clone().unwrap_or_else(|| provider.to_owned()),
        state: JobState::Succeeded,
        reason: Some("it has ended, and its queue does not keep what has ended".to_owned()),
        priority: wanted.options.priority.unwrap_or_default(),
        attempt: 1,
        max_attempts: wanted.options.max_attempts.unwrap_or(1),
        args: wanted.args.clone(),
        result: None,
        error: None,
        progress: None,
        attempts: Vec::new(),
        tags: wanted.options.tags.clone(),
        long_running: false,
        created_at: now,
        run_at: now,
        started_at: None,
        finished_at: None,
        next_poll_ms: None,
        actions: Vec::new(),
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
