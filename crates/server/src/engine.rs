//! The engine: the one tokio runtime that owns pools and runs provider code. HTTP workers only wait for it.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use mindflight_core::{Error, Result};

/// Threads of an engine that was not told how many.
fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    // More than cores: a tool that blocks a thread must not stop its neighbours.
    (cores * 2).max(4)
}

/// The engine. Keep it as long as the server runs.
pub(crate) struct Engine(Runtime);

impl Engine {
    pub(crate) fn start(threads: Option<usize>) -> io::Result<Self> {
        let threads = threads.unwrap_or_else(default_threads).max(1);
        Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("engine")
            .enable_all()
            .build()
            .map(Self)
    }

    pub(crate) fn handle(&self) -> Tasks {
        Tasks(self.0.handle().clone())
    }

    /// Ends what still runs, waiting for blocked threads at most `patience`.
    pub(crate) fn stop(self, patience: Duration) {
        self.0.shutdown_timeout(patience);
    }
}

/// Hands work to the engine.
#[derive(Debug, Clone)]
pub(crate) struct Tasks(Handle);

impl Tasks {
    pub(crate) fn runtime(&self) -> Handle {
        self.0.clone()
    }

    /// Runs `work` on the engine and waits for it. Whoever stops waiting does not stop the work:
    /// a half-done change must not depend on a client's patience.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        self.0.spawn(work).await.unwrap_or_else(|error| Err(Error::internal(error)))
    }
}
