//! Attempts that have ended and are not written yet: handed in by workers, taken by the completer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use mindflight_store::jobs::Finished;
use tokio::sync::mpsc;

/// Attempts that have ended and are not written.
pub(crate) struct Unwritten {
    send: mpsc::UnboundedSender<Finished>,
    receive: Mutex<Option<mpsc::UnboundedReceiver<Finished>>>,
    open: AtomicUsize,
}

impl Default for Unwritten {
    fn default() -> Self {
        // What is in it is bounded by the claimer, which stops taking when too much is unwritten.
        let (send, receive) = mpsc::unbounded_channel();
        Self { send, receive: Mutex::new(Some(receive)), open: AtomicUsize::new(0) }
    }
}

impl Unwritten {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// An attempt has ended.
    pub(crate) fn add(&self, finished: Finished) {
        self.open.fetch_add(1, Ordering::AcqRel);
        // It fails only when the completer has gone for good, with the process.
        drop(self.send.send(finished));
    }

    /// For the one that writes.
    pub(crate) fn take(&self) -> Option<mpsc::UnboundedReceiver<Finished>> {
        self.receive.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// So that the next one to write finds it.
    pub(crate) fn give_back(&self, receive: mpsc::UnboundedReceiver<Finished>) {
        *self.receive.lock().unwrap_or_else(PoisonError::into_inner) = Some(receive);
    }

    /// So many are written.
    pub(crate) fn wrote(&self, count: usize) {
        self.open.fetch_sub(count, Ordering::AcqRel);
    }
}
