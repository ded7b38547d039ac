//! Jobs that this process has taken and not started yet.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mindflight_store::jobs::Claimed;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Jobs that were taken and not started, and how many slots wait for one.
#[derive(Default)]
pub(crate) struct Backlog {
    jobs: Mutex<Jobs>,
    idle: AtomicUsize,
    arrived: Notify,
    hungry: Notify,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Claimed>,
    /// When one was last taken, or the first came.
    moved: Option<Instant>,
}

impl Backlog {
    fn jobs(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, claimed: Vec<Claimed>) {
        let count = claimed.len();
        let mut jobs = self.jobs();
        if jobs.waiting.is_empty() {
            jobs.moved = Some(Instant::now());
        }
        jobs.waiting.extend(claimed);
        drop(jobs);
        for _ in 0..count.min(self.idle.load(Ordering::Acquire).max(1)) {
            self.arrived.notify_one();
        }
    }

    /// The next job, if there is one. Whoever brought several may have seen fewer slots idle than there are, so one
    /// that takes a job passes the word on.
    fn pop(&self) -> Option<Claimed> {
        let (job, is_last) = {
            let mut jobs = self.jobs();
            let job = jobs.waiting.pop_front();
            if job.is_some() {
                jobs.moved = Some(Instant::now());
            }
            (job, jobs.waiting.is_empty())
        };
        if !is_last && self.idle.load(Ordering::Acquire) > 0 {
            self.arrived.notify_one();
        }
        job
    }

    /// The next job, as soon as there is one.
    pub(crate) async fn next(&self) -> Claimed {
        loop {
            if let Some(job) = self.pop() {
                return job;
            }
            self.idle.fetch_add(1, Ordering::AcqRel);
            let _idle = Idle(&self.idle);
            let mut arrived = std::pin::pin!(self.arrived.notified());
            // What comes between the look above and the wait is heard by this.
            arrived.as_mut().enable();
            if let Some(job) = self.pop() {
                return job;
            }
            self.hungry.notify_one();
            arrived.await;
        }
    }

    /// Ends when a slot found nothing to do, also before the call.
    pub(crate) async fn hungry(&self) {
        self.hungry.notified().await;
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs().waiting.len()
    }

    /// Since when those that wait have waited without one of them being started.
    pub(crate) fn waits_since(&self) -> Option<Instant> {
        let jobs = self.jobs();
        jobs.moved.filter(|_| !jobs.waiting.is_empty())
    }

    /// Everything that was not started.
    pub(crate) fn drain(&self) -> Vec<Claimed> {
        self.jobs().waiting.drain(..).collect()
    }
}

/// One slot that waits; it stops waiting also when its worker is dropped.
struct Idle<'a>(&'a AtomicUsize);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
