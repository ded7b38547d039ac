//! Watches `auth_version`, which every change of users and keys grows, and forgets what is cached when it has grown.
//!
//! **Invariant:** what a caller is told rests on a number that was read at most twice the interval ago while
//! the database answers, and at most the largest age ago while it does not.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use mindflight_api::codes;
use mindflight_core::{Error, Result};
use mindflight_store::Store;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cache::Cache;

/// A database that is only slow gets at least this long to answer.
const LEAST_PATIENCE: Duration = Duration::from_secs(1);
/// How long callers are told to wait while nothing can be checked.
const AWAY: Duration = Duration::from_secs(1);

/// The number as this instance knows it.
pub(super) struct Version(Arc<Inner>);

struct Inner {
    runtime: Handle,
    store: Store,
    cache: Arc<Cache>,
    interval: Duration,
    max_age: Duration,
    epoch: Instant,
    /// Microseconds after the epoch at which the last good reading began; 0 before the first.
    read_at: AtomicU64,
    known: AtomicI64,
    /// The reading that is under way or was the last: `None` until it ends, then whether it was good.
    reading: Mutex<watch::Receiver<Option<bool>>>,
}

/// What to do with a number of some age.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Trust,
    /// Good enough for this request, but the next one should find a newer one.
    TrustAndRead,
    /// Wait for a newer one.
    Read,
}

fn next(age: Option<Duration>, interval: Duration) -> Next {
    match age {
        Some(age) if age < interval => Next::Trust,
        Some(age) if age < interval * 2 => Next::TrustAndRead,
        _ => Next::Read,
    }
}

impl Version {
    pub(super) fn new(
        runtime: Handle,
        store: Store,
        cache: Arc<Cache>,
        interval: Duration,
        max_age: Duration,
    ) -> Self {
        let (_, none) = watch::channel(Some(false));
        Self(Arc::new(Inner {
            runtime,
            store,
            cache,
            interval,
            max_age,
            epoch: Instant::now(),
            read_at: AtomicU64::new(0),
            known: AtomicI64::new(i64::MIN),
            reading: Mutex::new(none),
        }))
    }

    /// Makes sure that what is cached may be believed.
    ///
    /// # Errors
    /// `database_unavailable` when the number could not be read for too long.
    pub(super) async fn ensure(&self) -> Result<()> {
        match next(self.0.age(), self.0.interval) {
            Next::Trust => Ok(()),
            Next::TrustAndRead => {
                self.read();
                Ok(())
            }
            Next::Read => self.wait().await,
        }
    }

    async fn wait(&self) -> Result<()> {
        let mut reading = self.read();
        let answer =
            tokio::time::timeout(self.0.patience(), reading.wait_for(Option::is_some)).await;
        let is_good = matches!(answer, Ok(Ok(good)) if *good == Some(true));
        if is_good || self.0.age().is_some_and(|age| age <= self.0.max_age) {
            return Ok(());
        }
        let detail = "credentials cannot be checked while the database is away";
        Err(Error::of(codes::DATABASE_UNAVAILABLE, detail).wait(AWAY))
    }

    /// Joins the reading that is under way, or begins one on the engine.
    fn read(&self) -> watch::Receiver<Option<bool>> {
        let mut reading = self.0.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // A sender that is gone without a word has panicked.
        if reading.borrow().is_none() && reading.has_changed().is_ok() {
            return reading.clone();
        }
        let (done, next) = watch::channel(None);
        *reading = next.clone();
        let inner = Arc::clone(&self.0);
        self.0.runtime.spawn(async move {
            let good = inner.read().await;
            done.send_replace(Some(good));
        });
        next
    }
}

impl Inner {
    fn patience(&self) -> Duration {
        self.max_age.max(LEAST_PATIENCE)
    }

    fn age(&self) -> Option<Duration> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            at => Some(self.epoch.elapsed().saturating_sub(Duration::from_micros(at))),
        }
    }

    async fn read(&self) -> bool {
        let began = u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let version = match tokio::time::timeout(self.patience(), self.store.versions()).await {
            Ok(Ok(versions)) => versions.auth,
            Ok(Err(error)) => {
                tracing::warn!("changes of users and keys cannot be seen: {error}");
                return false;
            }
            Err(_) => {
                tracing::warn!(
                    "changes of users and keys cannot be seen: the database does not answer"
                );
                return false;
            }
        };
        if self.known.swap(version, Ordering::AcqRel) != version {
            self.cache.forget_all();
        }
        // Only now may others believe the cache.
        self.read_at.fetch_max(began, Ordering::AcqRel);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_believed_for_twice_the_interval_at_most() {
        let interval = Duration::from_millis(500);
        for (age, expected) in [
            (None, Next::Read),
            (Some(0), Next::Trust),
            (Some(499), Next::Trust),
            (Some(500), Next::TrustAndRead),
            (Some(999), Next::TrustAndRead),
            (Some(1_000), Next::Read),
            (Some(60_000), Next::Read),
        ] {
            assert_eq!(next(age.map(Duration::from_millis), interval), expected, "{age:?}");
        }
        assert_eq!(next(Some(Duration::ZERO), Duration::ZERO), Next::Read);
    }
}
