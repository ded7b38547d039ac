//! Jobs that wait for others, as a server lets them go.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use mindflight_api::job::JobError;
use mindflight_api::{JobId, RequestId, codes};
use mindflight_core::policy::JobState;
use mindflight_core::ports::{NewJob, OnFailure, Parent};
use mindflight_core::{Error, Result};

use crate::ledger::Ledger;
use crate::state::{Recorded, State};

/// Jobs that one can wait for.
const MOST: usize = 100;

/// Refuses jobs that wait for what is not there, for themselves, or with a time beside it.
pub(crate) fn check(state: &State, jobs: &[NewJob]) -> Result<()> {
    let mut open: BTreeMap<JobId, &[JobId]> = BTreeMap::new();
    for job in jobs {
        let options = &job.options;
        let has_time = options.delay.is_some() || options.run_at.is_some();
        if !options.after.is_empty() && has_time {
            return Err(refused("`after` and a time to start cannot be given together".to_owned()));
        }
        if options.after.len() > MOST {
            let count = options.after.len();
            return Err(refused(format!("`after` may name {MOST} jobs; got {count}")));
        }
        open.extend(options.id.map(|id| (id, &*options.after)));
    }
    if jobs.iter().all(|job| job.options.after.is_empty()) {
        return Ok(());
    }
    let known: BTreeSet<JobId> = state.jobs.iter().map(|recorded| recorded.id).collect();
    for job in jobs {
        let is_there = |id: &&JobId| known.contains(id) || open.contains_key(id);
        if let Some(id) = job.options.after.iter().find(|id| !is_there(id)) {
            return Err(refused(format!("`after`: there is no job {id}")));
        }
    }
    // Those that wait for none of the others, again and again.
    let mut before = usize::MAX;
    while open.len() < before {
        before = open.len();
        let ids: BTreeSet<JobId> = open.keys().copied().collect();
        open.retain(|_, after| after.iter().any(|parent| ids.contains(parent)));
    }
    match open.keys().next() {
        Some(id) => Err(refused(format!("the job {id} would wait for itself, by way of `after`"))),
        None => Ok(()),
    }
}

fn refused(detail: String) -> Error {
    Error::of(codes::INVALID_BODY, detail.clone()).field("/after", detail, Vec::new())
}

fn state_of(ledger: &Ledger, job: JobId) -> JobState {
    ledger.life(job).map_or(JobState::Queued, |life| life.state)
}

/// Whether a job that has not started waits for others that have not ended.
pub(crate) fn waits(job: &Recorded, ledger: &Ledger) -> bool {
    let is_open = |parent: &JobId| !state_of(ledger, *parent).is_final();
    ledger.life(job.id).is_none() && job.job.options.after.iter().any(is_open)
}

/// Cancels what waits for a job that did not succeed, and what waits for that.
pub(crate) fn cancel_the_rest(jobs: &[Recorded], ledger: &mut Ledger, now: DateTime<Utc>) {
    let mut is_done = false;
    while !is_done {
        is_done = true;
        for job in jobs.iter().filter(|job| !job.job.options.after.is_empty()) {
            let options = &job.job.options;
            if options.on_failure == OnFailure::Run || ledger.life(job.id).is_some() {
                continue;
            }
            let has_failed = |parent: &&JobId| {
                matches!(state_of(ledger, **parent), JobState::Failed | JobState::Cancelled)
            };
            if let Some(parent) = options.after.iter().find(has_failed) {
                let what = state_of(ledger, *parent).name();
                let detail = format!("it waited for the job {parent}, which is {what}");
                ledger.stop(job.id, Error::of(codes::JOB_PARENT_FAILED, detail), now);
                is_done = false;
            }
        }
    }
}

pub(crate) fn parents(state: &State, ledger: &Ledger, job: JobId) -> Vec<Parent> {
    let of = |id: JobId| state.jobs.iter().find(|recorded| recorded.id == id);
    let after = of(job).map(|job| job.job.options.after.as_slice()).unwrap_or_default();
    let parent = |id: &JobId| {
        let life = ledger.life(*id);
        let parent = Parent::new(*id, of(*id)?.job.kind.clone(), state_of(ledger, *id));
        let error = life.and_then(|life| life.error.as_ref()).map(|error| as_job_error(error));
        let error = error.filter(|_| parent.state != JobState::Succeeded);
        Some(parent.with_result(life.and_then(|life| life.result.clone())).with_error(error))
    };
    after.iter().filter_map(parent).collect()
}

fn as_job_error(error: &Error) -> JobError {
    let problem = error.problem(RequestId::new());
    JobError {
        code: problem.code,
        detail: problem.detail,
        fault: problem.fault,
        retry: problem.retry,
        fix: problem.fix,
    }
}

/// Jobs whose ids are numbers, in their order: what was made in two runs can be compared.
pub(crate) fn comparable<'a>(jobs: impl Iterator<Item = &'a Recorded> + Clone) -> Vec<NewJob> {
    let number = |place: usize| format!("00000000-0000-7000-8000-{:012x}", place + 1).parse().ok();
    let places: BTreeMap<JobId, JobId> = jobs
        .clone()
        .enumerate()
        .filter_map(|(place, job)| Some((job.id, number(place)?)))
        .collect();
    let comparable = |recorded: &Recorded| {
        let mut job = recorded.job.clone();
        job.options.id = job.options.id.and_then(|id| places.get(&id).copied());
        for parent in &mut job.options.after {
            *parent = places.get(parent).copied().unwrap_or(*parent);
        }
        job
    };
    jobs.map(comparable).collect()
}
