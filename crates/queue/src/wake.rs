//! Which queues somebody says have jobs: collected until the claimer looks.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// Queues that are said to have jobs.
#[derive(Default)]
pub(crate) struct Wake {
    queues: Mutex<BTreeSet<i16>>,
    notify: Notify,
}

impl Wake {
    pub(crate) fn add(&self, queues: &[i16]) {
        if queues.is_empty() {
            return;
        }
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).extend(queues);
        self.notify.notify_one();
    }

    /// Those added since the last time.
    pub(crate) fn take(&self) -> BTreeSet<i16> {
        std::mem::take(&mut *self.queues.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends when some were added, also before the call.
    pub(crate) async fn added(&self) {
        self.notify.notified().await;
    }
}
