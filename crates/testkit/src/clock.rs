//! The clock of a kit: it stands still while anything runs, and jumps when all wait.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_core::{BoxFuture, ports};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::Instant;

/// 2026-01-01 00:00:00 UTC: every test begins at the same time.
const BEGIN: i64 = 1_767_225_600;

/// The clock of a kit, and of the runtime it is in: sleeps, deadlines and the age of signatures obey it.
///
/// It stands still while anything can run. When everything waits, it jumps to whatever ends first, so a
/// sleep of an hour takes no time and still ends after one of a minute.
#[derive(Debug, Clone)]
pub struct Clock {
    /// When [`BEGIN`] was, on the runtime's clock.
    began: Arc<Mutex<Instant>>,
}

impl Clock {
    /// Takes the runtime's clock over.
    #[track_caller]
    pub(crate) fn take() -> Self {
        assert!(
            Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread,
            "a Kit moves the clock of its runtime, which only works on one thread: use plain `#[tokio::test]`"
        );
        if !is_paused() {
            tokio::time::pause();
        }
        Self { began: Arc::new(Mutex::new(Instant::now())) }
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        let began = *self.began.lock().unwrap_or_else(PoisonError::into_inner);
        DateTime::from_timestamp(BEGIN, 0).unwrap_or_default() + began.elapsed()
    }

    /// Goes back to a time that this clock has shown.
    pub(crate) fn rewind(&self, to: DateTime<Utc>) {
        let by = (self.now() - to).to_std().unwrap_or_default();
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Lets time pass: everything that ends within `by` ends, in its order.
    pub async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
        self.settle().await;
    }

    /// Lets everything run until all of it waits; at most a millisecond passes.
    pub async fn settle(&self) {
        tokio::time::sleep(Duration::from_micros(1)).await;
    }
}

impl ports::Clock for Clock {
    fn now(&self) -> DateTime<Utc> {
        self.now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(wait))
    }
}

/// The runtime does not tell: a clock that runs has moved once the machine's has.
fn is_paused() -> bool {
    let (before, real) = (Instant::now(), std::time::Instant::now());
    while real.elapsed().is_zero() {
        std::hint::spin_loop();
    }
    Instant::now() == before
}
