//! Running the jobs that were asked for, until none is left.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::jobs::Kind;
use mindflight_core::policy::JobState;
use mindflight_core::{Error, JobArgs, Provider};
use serde_json::Value;

use super::MOST_ATTEMPTS;
use super::as_job::whole;
use super::attempt::Attempt;
use crate::Kit;
use crate::graph;
use crate::state::{Recorded, State};
use crate::store::Store;

/// What became of the jobs that were asked for.
#[derive(Debug)]
pub struct Drained {
    provider: &'static str,
    jobs: Vec<Ended>,
}

/// What became of one job.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ended {
    /// Its id.
    pub id: JobId,
    /// `{provider}.{kind}`.
    pub kind: String,
    /// Its arguments.
    pub args: Value,
    /// Its last state.
    pub state: JobState,
    /// The newest attempt's number; a snooze is not counted.
    pub attempts: u32,
    /// What it gave, if it has succeeded.
    pub result: Option<Value>,
    /// What its last attempt failed with, if it has not succeeded.
    pub error: Option<Arc<Error>>,
}

impl<P: Provider> Kit<P> {
    /// Runs the jobs that were asked for, and those of subscriptions to events that the provider published itself, one
    /// at a time, until none is left: what is due by priority and then by id,
    /// and when nothing is due, the clock moves to whatever is due next. Retries, snoozes and jobs that jobs ask for
    /// are run too. Schedules make no jobs here, and limits on concurrency and rate do not matter.
    ///
    /// # Panics
    /// If there is no end after 10,000 attempts.
    pub async fn run_until_idle(&self) -> Drained {
        let store = &self.world.store;
        let (mut seen, mut known) = (Vec::new(), BTreeSet::new());
        let (mut attempts, mut ended) = (0, 0);
        while let Some((due, job, kind)) = self.upcoming(&mut ended) {
            let wait = (due - store.now()).to_std().unwrap_or_default();
            if !wait.is_zero() {
                self.world.clock.advance(wait).await;
                continue;
            }
            attempts += 1;
            assert!(
                attempts <= MOST_ATTEMPTS,
                "{MOST_ATTEMPTS} attempts have run, and the next would be one at `{}`: does a job enqueue itself, or snooze for ever?",
                job.job.kind
            );
            if known.insert(job.id) {
                seen.push(job.id);
            }
            let max = job.job.options.max_attempts.unwrap_or(kind.options.max_attempts).max(1);
            let attempt = Attempt::new(store, job.id, kind, job.job.args, max);
            self.runner().run(attempt).await;
        }
        let state = store.state();
        // What nobody can run is left over, and what was cancelled because of a job it waited for.
        let left = state.jobs.iter().filter(|job| has_not_run(store, job.id)).map(|job| job.id);
        let ids = seen.iter().copied().chain(left);
        let jobs = ids.filter_map(|id| Ended::of(store, &state, id)).collect();
        Drained { provider: P::ID, jobs }
    }

    /// The job to run next and when it is due, if there is one of a kind that the provider declares. The first
    /// `ended` jobs need no look any more.
    fn upcoming(&self, ended: &mut usize) -> Option<(DateTime<Utc>, Recorded, Arc<Kind>)> {
        self.hear();
        let kinds = self.kinds();
        let kind =
            |job: &Recorded| kinds.iter().find(|kind| whole(P::ID, &kind.name) == job.job.kind);
        let store = &self.world.store;
        let (now, state, mut ledger) = (store.now(), store.state(), store.ledger());
        graph::cancel_the_rest(&state.jobs[*ended..], &mut ledger, now);
        let has_ended =
            |job: &Recorded| ledger.life(job.id).is_some_and(|life| life.state.is_final());
        *ended += state.jobs.iter().skip(*ended).take_while(|job| has_ended(job)).count();
        let waiting = state.jobs.iter().skip(*ended).filter_map(|job| {
            let kind = kind(job)?;
            if graph::waits(job, &ledger) {
                return None;
            }
            let due = match ledger.life(job.id) {
                Some(life) if life.state.is_final() || life.state == JobState::Running => None,
                Some(life) => Some(life.due),
                None => Some(job.due),
            }?;
            Some((due.max(now), job, kind))
        });
        let (due, job, kind) = waiting.min_by_key(|(due, job, _)| (*due, job.priority, job.id))?;
        Some((due, job.clone(), kind.clone()))
    }
}

fn has_not_run(store: &Store, job: JobId) -> bool {
    store.ledger().life(job).is_none_or(|life| life.attempt == 0)
}

impl Ended {
    fn of(store: &Store, state: &State, id: JobId) -> Option<Self> {
        let recorded = state.jobs.iter().find(|job| job.id == id)?;
        let life = store.ledger().life(id).cloned();
        let (kind, args) = (recorded.job.kind.clone(), recorded.job.args.clone());
        Some(match life {
            None => {
                let (attempts, result, error) = Default::default();
                Self { id, kind, args, state: JobState::Queued, attempts, result, error }
            }
            Some(life) => Self {
                id,
                kind,
                args,
                state: life.state,
                attempts: life.attempt,
                result: life.result,
                error: life.error,
            },
        })
    }
}

impl Drained {
    /// The jobs that were run, in the order in which they were first started; after them those of kinds that the
    /// provider does not declare, which wait, and those that were cancelled because a job they waited for did not succeed.
    #[must_use]
    pub fn jobs(&self) -> &[Ended] {
        &self.jobs
    }

    /// The jobs of one kind.
    #[must_use]
    pub fn of<A: JobArgs>(&self) -> Vec<&Ended> {
        let kind = whole(self.provider, A::KIND);
        self.jobs.iter().filter(|job| job.kind == kind).collect()
    }

    /// What became of this job, if it was run.
    #[must_use]
    pub fn job(&self, id: JobId) -> Option<&Ended> {
        self.jobs.iter().find(|job| job.id == id)
    }

    /// There were jobs, and all of them succeeded.
    ///
    /// # Panics
    /// If one did not, or there was none.
    #[track_caller]
    pub fn assert_all_succeeded(&self) -> &Self {
        assert!(!self.jobs.is_empty(), "there was no job to run");
        let others: Vec<&Ended> =
            self.jobs.iter().filter(|job| job.state != JobState::Succeeded).collect();
        assert!(others.is_empty(), "not all succeeded: {others:#?}");
        self
    }
}
