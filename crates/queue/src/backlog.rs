//! Jobs that this process has taken and not started yet.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mindflight_store::jobs::Claimed;
use tokio::sync::Notify;

/// Jobs that were taken and not started, and how many slots wait for one.
#[derive(Default)]
pub(crate) struct Backlog {
    jobs: Mutex<VecDeque<Claimed>>,
    idle: AtomicUsize,
    arrived: Notify,
    hungry: Notify,
}

impl Backlog {
    fn jobs(&self) -> MutexGuard<'_, VecDeque<Claimed>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, claimed: Vec<Claimed>) {
        let count = claimed.len();
        self.jobs().extend(claimed);
        for _ in 0..count.min(self.idle.load(Ordering::Acquire).max(1)) {
            self.arrived.notify_one();
        }
    }

    /// The next job, as soon as there is one.
    pub(crate) async fn next(&self) -> Claimed {
        loop {
            let mut arrived = std::pin::pin!(self.arrived.notified());
            // Before the look, so that what comes between look and wait is heard.
            arrived.as_mut().enable();
            let (job, is_last) = {
                let mut jobs = self.jobs();
                (jobs.pop_front(), jobs.is_empty())
            };
            if let Some(job) = job {
                if !is_last {
                    // Who brought several may have seen fewer slots than there are.
                    self.arrived.notify_one();
                }
                return job;
            }
            self.idle.fetch_add(1, Ordering::AcqRel);
            let _idle = Idle(&self.idle);
            self.hungry.notify_one();
            arrived.await;
        }
    }

    /// Ends when a slot found nothing to do, also before the call.
    pub(crate) async fn hungry(&self) {
        self.hungry.notified().await;
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs().len()
    }

    /// Everything that was not started.
    pub(crate) fn drain(&self) -> Vec<Claimed> {
        self.jobs().drain(..).collect()
    }
}

/// One slot that waits; it stops waiting also when its worker is dropped.
struct Idle<'a>(&'a AtomicUsize);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
