//! Which queues somebody says have jobs: collected until the claimer looks.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Queues that are said to have jobs, and those that were found empty since.
#[derive(Default)]
pub(crate) struct Wake {
    queues: Mutex<Queues>,
    notify: Notify,
}

#[derive(Default)]
struct Queues {
    said: BTreeSet<i16>,
    empty: BTreeSet<i16>,
}

impl Wake {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, queues: &[i16]) {
        if queues.is_empty() {
            return;
        }
        let mut known = self.queues();
        known.said.extend(queues);
        known.empty.retain(|queue| !queues.contains(queue));
        drop(known);
        self.notify.notify_one();
    }

    /// Those added since the last time.
    pub(crate) fn take(&self) -> BTreeSet<i16> {
        std::mem::take(&mut self.queues().said)
    }

    /// Ends when some were added, also before the call.
    pub(crate) async fn added(&self) {
        self.notify.notified().await;
    }

    /// Everything was taken from a queue; whatever was said meanwhile counts more.
    pub(crate) fn emptied(&self, queue: i16) {
        let mut known = self.queues();
        if !known.said.contains(&queue) {
            known.empty.insert(queue);
        }
    }

    /// Jobs were found in a queue.
    pub(crate) fn filled(&self, queue: i16) {
        self.queues().empty.remove(&queue);
    }

    /// Whether nothing is known to wait in a queue. What others have put there a moment ago is not known yet.
    pub(crate) fn is_empty(&self, queue: i16) -> bool {
        self.queues().empty.contains(&queue)
    }

    /// Nothing is known of any queue any more.
    pub(crate) fn forget(&self) {
        self.queues().empty.clear();
    }
}
