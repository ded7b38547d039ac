//! Owns everything that runs as long as the server: each task has a name, hears of the end, and is started again when it crashes.

use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a crashed task waits before it is started again.
const PAUSE: Duration = Duration::from_secs(1);

/// Owns the long-running tasks.
pub(crate) struct Supervisor {
    engine: Handle,
    stop: CancellationToken,
    tasks: Mutex<Vec<(&'static str, JoinHandle<()>)>>,
}

impl Supervisor {
    pub(crate) fn new(engine: Handle) -> Self {
        let (stop, tasks) = Default::default();
        Self { engine, stop, tasks }
    }

    /// Runs what `task` makes until it ends by itself or the server stops.
    pub(crate) fn run<F, W>(&self, name: &'static str, task: F)
    where
        F: Fn(CancellationToken) -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let stop = self.stop.clone();
        let work = async move {
            while AssertUnwindSafe(task(stop.child_token())).catch_unwind().await.is_err() {
                tracing::error!(task = name, "the task `{name}` crashed and is started again");
                if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                    return;
                }
            }
        };
        let handle = self.engine.spawn(work);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push((name, handle));
    }

    /// Tells every task to end, and waits for them at most `patience` each.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for (name, handle) in tasks {
            if tokio::time::timeout(patience, handle).await.is_err() {
                tracing::warn!(task = name, "the task `{name}` did not end in time");
            }
        }
    }
}
