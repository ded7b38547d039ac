//! Where a crash matrix lets a job crash: every use of a port passes here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Counts the uses of ports, and crashes at one of them. Does nothing unless it is armed.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    is_armed: bool,
    crash_at: Option<usize>,
    passed: Vec<String>,
    crash: CancellationToken,
}

impl Wire {
    /// Counts from now on, and crashes once, at this point.
    pub(crate) fn arm(&self, crash_at: Option<usize>) {
        *self.inner() = Inner { is_armed: true, crash_at, ..Inner::default() };
    }

    /// Counts no more; gives the name of the point at which it crashed.
    pub(crate) fn disarm(&self, crash_at: usize) -> Option<String> {
        let inner = std::mem::take(&mut *self.inner());
        inner.passed.into_iter().nth(crash_at)
    }

    /// Whether the crash is here. Whoever asks has to stop where it is.
    pub(crate) fn cuts(&self, point: impl FnOnce() -> String) -> bool {
        let mut inner = self.inner();
        if !inner.is_armed {
            return false;
        }
        inner.passed.push(point());
        if inner.crash_at != Some(inner.passed.len() - 1) {
            return false;
        }
        inner.crash_at = None;
        // Later attempts have a token of their own.
        std::mem::take(&mut inner.crash).cancel();
        true
    }

    /// Goes on at once, or never: the crash drops whoever waits here.
    pub(crate) async fn pass(&self, point: impl FnOnce() -> String) {
        if self.cuts(point) {
            std::future::pending::<()>().await;
        }
    }

    /// Ends when the attempt that starts now crashes.
    pub(crate) fn crash(&self) -> CancellationToken {
        self.inner().crash.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
