//! Runs one handler in a task of its own, under deadline, cancellation and panic guard; for whoever runs handlers.

mod stuck;

use std::any::Any;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use mindflight_api::codes;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::stuck::Stuck;
use crate::{BoxFuture, Error, Result};

/// What it takes to run handlers. Cheap to clone; all clones share the list of stuck ones.
#[derive(Clone)]
pub struct Guard {
    engine: Handle,
    stuck: Stuck,
    grace: Duration,
    stuck_after: Duration,
}

impl Guard {
    /// Runs handlers on `engine`. One that is told to stop has `grace` before its task is aborted, and is
    /// counted as stuck when it still holds its thread `stuck_after` later.
    #[must_use]
    pub fn new(engine: Handle, grace: Duration, stuck_after: Duration) -> Self {
        Self { engine, stuck: Stuck::default(), grace, stuck_after }
    }

    /// The runtime that handlers run on.
    #[must_use]
    pub const fn engine(&self) -> &Handle {
        &self.engine
    }

    /// How long a handler that was told to stop may take.
    #[must_use]
    pub const fn grace(&self) -> Duration {
        self.grace
    }

    /// Handlers that hold a thread although their call is over.
    #[must_use]
    pub const fn stuck(&self) -> &Stuck {
        &self.stuck
    }

    /// Runs `work` until `deadline`. Dropping this future cancels it too.
    ///
    /// # Errors
    /// 504 at the deadline, 500 `tool_panicked` after a panic, 503 when the engine stops, or the work's own.
    pub async fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: BoxFuture<Result<T>>,
        cancelled: CancellationToken,
        deadline: Instant,
    ) -> Result<T> {
        let ended =
            tokio::time::timeout_at(deadline.into(), self.start(name, work, cancelled)).await;
        // At the deadline the work is dropped, which cancels it and watches it end.
        ended.unwrap_or_else(|_| {
            let detail = format!("`{name}` did not finish before its deadline");
            Err(Error::of(codes::TIMEOUT, detail))
        })
    }

    /// Runs `work` for as long as what this gives is waited for. Its errors are those of [`run`](Self::run),
    /// without a deadline.
    pub fn start<'a, T: Send + 'static>(
        &'a self,
        name: &'a str,
        work: BoxFuture<Result<T>>,
        cancelled: CancellationToken,
    ) -> Running<'a, T> {
        Running { task: Some(self.engine.spawn(work)), guard: self, name, cancelled }
    }
}

/// A handler's task. Dropped while the task runs, it cancels the handler and sees to it that the task ends.
#[must_use = "a handler that nobody waits for is cancelled"]
pub struct Running<'a, T: Send + 'static> {
    /// Until it has ended.
    task: Option<JoinHandle<Result<T>>>,
    guard: &'a Guard,
    name: &'a str,
    cancelled: CancellationToken,
}

impl<T: Send + 'static> Future for Running<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = self.task.as_mut() else { return Poll::Pending };
        let ended = ready!(Pin::new(task).poll(cx));
        self.task = None;
        Poll::Ready(ended.unwrap_or_else(|error| Err(crashed(self.name, error))))
    }
}

impl<T: Send + 'static> Drop for Running<'_, T> {
    fn drop(&mut self) {
        let Some(task) = self.task.take() else { return };
        self.cancelled.cancel();
        self.guard.engine.spawn(see_to_the_end(task, self.guard.clone(), self.name.to_owned()));
    }
}

async fn see_to_the_end<T>(mut task: JoinHandle<Result<T>>, guard: Guard, name: String) {
    if tokio::time::timeout(guard.grace, &mut task).await.is_ok() {
        return;
    }
    task.abort();
    if tokio::time::timeout(guard.stuck_after, &mut task).await.is_ok() {
        return;
    }
    guard.stuck.add(&name);
    // However it ends, nobody is left to tell.
    drop(task.await);
    guard.stuck.remove(&name);
}

fn crashed(name: &str, error: JoinError) -> Error {
    let Ok(panic) = error.try_into_panic() else {
        return Error::of(codes::SHUTTING_DOWN, "the server is shutting down")
            .wait(Duration::from_secs(1));
    };
    let cause = text(&*panic).to_owned();
    Error::of(codes::TOOL_PANICKED, format!("`{name}` crashed")).because(cause)
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
