//! What has become of each job, and who has it. Kept beside the state, since transactions work on copies of that.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use mindflight_api::{JobId, codes};
use mindflight_core::Error;
use mindflight_core::policy::{JobState, Next};
use mindflight_core::ports::Lease;
use serde_json::Value;

/// The jobs that have been started.
#[derive(Clone, Default)]
pub(crate) struct Ledger {
    lives: BTreeMap<JobId, Life>,
    /// The number of the newest worker. Each attempt has a worker of its own, so that no two leases are equal.
    worker: i64,
}

/// What has become of one job.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) state: JobState,
    /// The newest attempt's number; a snooze gives it back.
    pub(crate) attempt: u32,
    /// When the next attempt is due.
    pub(crate) due: DateTime<Utc>,
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<Arc<Error>>,
    /// The attempt that runs now, or that closed the job.
    lease: Option<Lease>,
    pub(crate) is_cancelled: bool,
}

impl Ledger {
    pub(crate) fn life(&self, job: JobId) -> Option<&Life> {
        self.lives.get(&job)
    }

    /// Starts an attempt. Whoever had the job has it no more.
    pub(crate) fn claim(&mut self, job: JobId, now: DateTime<Utc>) -> Lease {
        self.worker += 1;
        let life = self.lives.entry(job).or_insert(Life {
            state: JobState::Queued,
            attempt: 0,
            due: now,
            result: None,
            error: None,
            lease: None,
            is_cancelled: false,
        });
        life.attempt += 1;
        life.state = JobState::Running;
        let lease = Lease { job, worker: self.worker, attempt: life.attempt };
        life.lease = Some(lease);
        lease
    }

    /// The job of an attempt that still has it.
    fn held(&mut self, lease: Lease) -> Option<&mut Life> {
        let life = self.lives.get_mut(&lease.job);
        life.filter(|life| life.lease == Some(lease) && !life.state.is_final())
    }

    pub(crate) fn holds(&mut self, lease: Lease) -> bool {
        self.held(lease).is_some()
    }

    /// What a transaction of this attempt closed the job with.
    pub(crate) fn closed_by(&self, lease: Lease) -> Option<&Value> {
        let life = self.life(lease.job).filter(|life| life.lease == Some(lease))?;
        life.result.as_ref().filter(|_| life.state == JobState::Succeeded)
    }

    /// A job that has not started never will.
    pub(crate) fn stop(&mut self, job: JobId, error: Error, now: DateTime<Utc>) {
        self.lives.entry(job).or_insert(Life {
            state: JobState::Cancelled,
            attempt: 0,
            due: now,
            result: None,
            error: Some(Arc::new(error)),
            lease: None,
            is_cancelled: true,
        });
    }

    /// Takes the job away from its worker.
    pub(crate) fn lose(&mut self, job: JobId) {
        if let Some(life) = self.lives.get_mut(&job) {
            life.lease = None;
        }
    }

    /// Someone wants the job to stop.
    pub(crate) fn cancel(&mut self, job: JobId) {
        if let Some(life) = self.lives.get_mut(&job) {
            life.is_cancelled = true;
        }
    }

    /// The job has succeeded with `output`, if the attempt still has it.
    pub(crate) fn succeed(&mut self, lease: Lease, output: &Value) -> Result<(), Error> {
        let life = self.held(lease).ok_or_else(|| lost(lease))?;
        life.state = JobState::Succeeded;
        life.result = Some(output.clone());
        life.error = None;
        Ok(())
    }

    /// The attempt's worker has died: the job waits for another one.
    pub(crate) fn crash(&mut self, lease: Lease) {
        if let Some(life) = self.held(lease) {
            life.state = JobState::Queued;
            life.lease = None;
        }
    }

    /// The attempt has ended without success.
    pub(crate) fn end(
        &mut self,
        lease: Lease,
        error: Option<&Arc<Error>>,
        next: Next,
        now: DateTime<Utc>,
    ) {
        let Some(life) = self.held(lease) else { return };
        life.lease = None;
        match next {
            Next::Succeeded => life.state = JobState::Succeeded,
            Next::Failed => life.state = JobState::Failed,
            Next::Cancelled => life.state = JobState::Cancelled,
            Next::Retry(wait) => (life.state, life.due) = (JobState::Retrying, now + wait),
            Next::Snooze(wait) => {
                (life.state, life.due) = (JobState::Scheduled, now + wait);
                life.attempt -= 1;
            }
        }
        // A snooze is no failure.
        if !matches!(next, Next::Snooze(_)) {
            life.error = error.cloned();
        }
    }
}

/// What an attempt reads that is no longer the job's.
pub(crate) fn lost(lease: Lease) -> Error {
    let Lease { job, attempt, .. } = lease;
    Error::of(
        codes::LEASE_LOST,
        format!("attempt {attempt} at the job {job} is over: another worker has it"),
    )
}
