//! Reads jobs for an answer: who may see them, and how they are shown.

use std::collections::HashMap;
use std::time::Duration;

use mindflight_api::job::Job;
use mindflight_api::provider::State;
use mindflight_api::{JobId, JobState, Scope, codes};
use mindflight_core::ports::{Clock, NewJob};
use mindflight_core::registry::OWN_NAME;
use mindflight_core::{Caller, Error, Result};
use mindflight_queue::Enqueued;
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
    if name == OWN_NAME {
        return None;
    }
    let Ok(provider) = state.mounts.get(name) else {
        return Some(format!("this server has no provider `{name}`"));
    };
    if provider.state != State::On {
        let reason = provider.reason.unwrap_or_default();
        return Some(format!("the provider `{name}` is off: {reason}"));
    }
    provider.health.map(|health| format!("the provider `{name}` is not well: {health}"))
}

/// Jobs that were made a moment ago, in their order. Only what was there before, or may wait for a limit, is read;
/// and if that fails, they were made all the same.
pub(crate) async fn as_made(
    state: &AppState,
    made: Vec<Enqueued>,
    wanted: Vec<NewJob>,
) -> Vec<Job> {
    let unknown = made.iter().filter(|one| !one.is_placed).map(|one| one.id).collect();
    let read = all(state, unknown).await;
    let is_read = read.is_ok();
    let read: HashMap<JobId, Job> =
        read.unwrap_or_default().into_iter().map(|job| (job.id, job)).collect();
    let shown = made.into_iter().zip(wanted).map(|(one, wanted)| {
        let existing = one.existing;
        let job = read.get(&one.id).cloned().unwrap_or_else(|| {
            // One that could be read and is not there has ended, and is not kept.
            let has_ended = is_read && !one.is_placed;
            new(one, wanted, has_ended, &*state.clock)
        });
        Job { existing, ..job }
    });
    shown.collect()
}

/// A job as it was made.
fn new(one: Enqueued, wanted: NewJob, has_ended: bool, clock: &dyn Clock) -> Job {
    let (now, made) = (clock.now(), one.made);
    let run_at = made.run_at.filter(|time| *time > now);
    let state = match (has_ended, run_at) {
        (true, _) => JobState::Succeeded,
        (false, Some(_)) => JobState::Scheduled,
        (false, None) => JobState::Queued,
    };
    let view = View {
        id: one.id,
        kind: wanted.kind,
        queue_id: 0,
        queue: made.queue.to_string(),
        paused: None,
        state,
        priority: made.priority,
        runs_alone: false,
        attempt: 0,
        max_attempts: made.max_attempts.into(),
        args: wanted.args,
        result: None,
        error: None,
        fingerprint: None,
        progress: None,
        attempts: Vec::new(),
        tags: made.tags,
        owner: None,
        provider: Some(made.provider.to_string()),
        created_at: one.id.made_at(),
        run_at,
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
    };
    job_views::shown(view, Standing { long_after: Duration::MAX, provider: None })
}

/// Whether the caller may do what `needed` allows with this job: with the scope, or because it is its own.
pub(super) fn visible(view: &View, caller: &Caller, needed: &Scope) -> Result<()> {
    if view.owner.as_ref() == Some(&caller.space()) {
        return Ok(());
    }
    caller.require(needed)
}

/// Refuses jobs that are not there, or not this caller's to know about, as what others may wait for.
pub(super) async fn refuse_absent(
    state: &AppState,
    outside: Vec<(String, JobId)>,
    caller: &Caller,
) -> Result<()> {
    if outside.is_empty() {
        return Ok(());
    }
    let (views, ids) = (state.store.job_views(), outside.iter().map(|(_, id)| *id).collect());
    let ids: Vec<JobId> = ids;
    let owners = state.tasks.run(async move { Ok(views.owners(&ids).await?) }).await?;
    let (space, may_read) = (caller.space(), caller.require(&Scope::JobsRead).is_ok());
    let is_known = |id: &JobId| match owners.get(id) {
        Some(owner) => may_read || owner.as_ref() == Some(&space),
        None => false,
    };
    let mut refusal: Option<Error> = None;
    for (pointer, id) in outside.into_iter().filter(|(_, id)| !is_known(id)).take(20) {
        let detail = format!(
            "`after`: there is no job {id}; one that has ended is kept for a time, or not at all"
        );
        let error = refusal.unwrap_or_else(|| Error::of(codes::INVALID_BODY, detail.clone()));
        refusal = Some(error.field(pointer, detail, Vec::new()));
    }
    refusal.map_or(Ok(()), Err)
}

pub(super) fn absent(id: JobId) -> Error {
    Error::not_found(format!(
        "there is no job {id}; ended jobs are kept for a time, then forgotten"
    ))
    .fix("List the jobs with `GET /api/jobs`.")
}
