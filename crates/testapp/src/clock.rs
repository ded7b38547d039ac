//! A clock that stands still until a test moves it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_core::BoxFuture;
use mindflight_core::ports::Clock;
use tokio::sync::watch;

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Clone)]
pub struct TestClock(Arc<Mutex<watch::Sender<DateTime<Utc>>>>);

impl Default for TestClock {
    /// Shows 2026-01-01T00:00:00Z.
    fn default() -> Self {
        Self::at(DateTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }
}

impl TestClock {
    /// Shows `time`.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        Self(Arc::new(Mutex::new(watch::Sender::new(time))))
    }

    /// Moves on by `step`, and wakes who sleeps on this clock until then.
    pub fn advance(&self, step: Duration) {
        let time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time.send_modify(|time| *time += step);
    }

    fn watch(&self) -> watch::Receiver<DateTime<Utc>> {
        let time = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        time.subscribe()
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.watch().borrow()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<()> {
        let mut time = self.watch();
        let clock = self.clone();
        // From now on, not from when somebody first waits.
        let end = *time.borrow() + wait;
        Box::pin(async move {
            // It only fails when the clock is gone, and this holds it.
            drop(time.wait_for(|now| *now >= end).await);
            drop(clock);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_far_enough() {
        let clock = TestClock::default();
        let mut sleep = clock.sleep(Duration::from_secs(60));
        clock.advance(Duration::from_secs(59));
        assert!(value_now(&mut sleep).await.is_none());
        clock.advance(Duration::from_secs(1));
        assert!(value_now(&mut sleep).await.is_some());
    }

    /// The future's value, if it has one without waiting.
    async fn value_now<T>(future: &mut BoxFuture<T>) -> Option<T> {
        tokio::select! {
            biased;
            value = future => Some(value),
            () = std::future::ready(()) => None,
        }
    }
}
