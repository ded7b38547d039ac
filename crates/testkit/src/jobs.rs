//! Jobs: those that were asked for, and running them, without a queue.

mod as_job;
mod attempt;
mod crashes;
mod drain;
mod effects;
mod run;
mod running;
mod subscribed;
mod twice;

use mindflight_api::JobId;
use mindflight_core::ports::{EnqueueOptions, NewJob};
use mindflight_core::{JobArgs, Result};

pub use self::as_job::AsJob;
pub use self::crashes::{Crash, CrashMatrix};
pub use self::drain::{Drained, Ended};
pub use self::effects::Effects;
pub use self::run::JobRun;
pub use self::running::RunningJob;
pub use self::twice::Twice;
use crate::store::Store;

/// Attempts after which a kit no longer believes that there is an end.
const MOST_ATTEMPTS: usize = 10_000;

/// Jobs that were asked for, by the provider or by the test.
pub struct Enqueued<'kit> {
    pub(crate) store: &'kit Store,
    pub(crate) provider: &'kit str,
}

impl Enqueued<'_> {
    /// Every job, in the order in which they were made.
    #[must_use]
    pub fn all(&self) -> Vec<NewJob> {
        let state = self.store.state();
        state.jobs.iter().map(|recorded| recorded.job.clone()).collect()
    }

    /// The arguments of the jobs of one kind.
    ///
    /// # Panics
    /// If arguments are no `A`.
    #[track_caller]
    #[must_use]
    pub fn enqueued<A: JobArgs>(&self) -> Vec<A> {
        let kind = format!("{}.{}", self.provider, A::KIND);
        let jobs = self.all().into_iter().filter(|job| job.kind == kind);
        jobs.map(|job| match serde_json::from_value(job.args.clone()) {
            Ok(args) => args,
            Err(error) => panic!("`{kind}`: {error}: {}", job.args),
        })
        .collect()
    }

    /// There are so many jobs of one kind.
    ///
    /// # Panics
    /// If there are more or fewer.
    #[track_caller]
    pub fn assert_enqueued<A: JobArgs>(&self, jobs: usize) {
        let found = self.enqueued::<A>().len();
        assert_eq!(found, jobs, "jobs of kind `{}`: {:#?}", A::KIND, self.all());
    }

    /// Makes a job, as somebody who uses the server would.
    ///
    /// # Panics
    /// If the provider has no such kind.
    #[track_caller]
    pub fn enqueue(&self, job: impl AsJob) -> JobId {
        match self.enqueue_with(job, EnqueueOptions::default()) {
            Ok(id) => id,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes a job that differs from what its kind declares.
    ///
    /// # Errors
    /// 422 `unknown_kind` if the provider has no such kind.
    pub fn enqueue_with(&self, job: impl AsJob, options: EnqueueOptions) -> Result<JobId> {
        let (kind, args) = (as_job::whole(self.provider, job.kind()), job.args());
        let jobs = vec![NewJob { kind, args, options }];
        let ids = self.store.enqueue_into(&mut self.store.state(), jobs)?;
        // One was sent, and it is all or none.
        Ok(ids[0])
    }
}
