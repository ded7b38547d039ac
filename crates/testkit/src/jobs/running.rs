//! An attempt that is under way.

use std::time::Duration;

use mindflight_api::JobId;
use mindflight_core::Provider;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::as_job::AsJob;
use super::attempt::Attempt;
use super::run::JobRun;
use crate::Kit;
use crate::clock::Clock;
use crate::store::Store;

/// An attempt that is under way.
#[must_use = "dropped, it goes on; wait for its end or cancel it"]
pub struct RunningJob {
    task: JoinHandle<JobRun>,
    job: JobId,
    cancelled: CancellationToken,
    given_up: CancellationToken,
    /// How long the function may take to notice that it is cancelled.
    grace: Duration,
    store: Store,
    clock: Clock,
}

impl<P: Provider> Kit<P> {
    /// Starts the first attempt at a job, and comes back when its function waits for something or has ended.
    ///
    /// # Panics
    /// If the provider has no such kind.
    pub async fn start_job(&self, job: impl AsJob) -> RunningJob {
        let (kind, args) = (self.known_kind(job.kind()), job.args());
        let (store, clock) = (self.world.store.clone(), self.world.clock.clone());
        let attempt = Attempt::first(&store, kind, args);
        let (job, cancelled) = (attempt.lease.job, attempt.cancelled.clone());
        let given_up = attempt.given_up.clone();
        let grace = self.calls.settings().grace;
        let runner = self.runner();
        let task = Handle::current().spawn(async move { runner.run(attempt).await });
        clock.settle().await;
        RunningJob { task, job, cancelled, given_up, grace, store, clock }
    }
}

impl RunningJob {
    /// Whether the attempt has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.task.is_finished()
    }

    /// Cancels the job as its owner would. The function has a second to notice; if it succeeds all the same, the
    /// job has succeeded.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub async fn cancel(mut self) -> JobRun {
        self.store.ledger().cancel(self.job);
        self.cancelled.cancel();
        match tokio::time::timeout(self.grace, &mut self.task).await {
            Ok(ended) => joined(ended),
            Err(_) => {
                self.given_up.cancel();
                self.run().await
            }
        }
    }

    /// The server takes the worker for dead and gives the job to another one: nothing that this attempt does in
    /// its transaction counts any more.
    pub async fn lose_lease(&self) {
        self.store.ledger().lose(self.job);
        self.clock.settle().await;
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// If the kit itself failed; a job that panics is an error in the run.
    pub async fn run(self) -> JobRun {
        joined(self.task.await)
    }
}

fn joined(ended: Result<JobRun, JoinError>) -> JobRun {
    match ended {
        Ok(run) => run,
        Err(error) => panic!("the attempt's task ended: {error}"),
    }
}
