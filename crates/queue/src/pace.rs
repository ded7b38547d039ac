//! How much is taken ahead: as much as will be started soon, judged by how long jobs took lately.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The share of a new measurement in the average, as a power of two.
const WEIGHT: u64 = 4;

/// How long jobs take, as a moving average.
#[derive(Default)]
pub(crate) struct Pace {
    /// Nanoseconds; 0 before the first job.
    average: AtomicU64,
}

impl Pace {
    pub(crate) fn took(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX).max(1);
        let before = self.average.load(Ordering::Relaxed);
        let after = if before == 0 { time } else { before - before / WEIGHT + time / WEIGHT };
        self.average.store(after.max(1), Ordering::Relaxed);
    }

    /// How many jobs to take beyond those that `slots` run, so that the last is started within `soon`.
    pub(crate) fn ahead(&self, slots: usize, soon: Duration, most: usize) -> usize {
        let average = self.average.load(Ordering::Relaxed);
        if average == 0 {
            return 0;
        }
        let soon = u64::try_from(soon.as_nanos()).unwrap_or(u64::MAX);
        let rounds = usize::try_from(soon / average).unwrap_or(usize::MAX);
        rounds.saturating_mul(slots).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_jobs_are_taken_ahead_and_long_ones_are_not() {
        let (pace, soon) = (Pace::default(), Duration::from_millis(50));
        assert_eq!(pace.ahead(8, soon, 1000), 0, "nothing is known yet");
        pace.took(Duration::from_micros(10));
        assert_eq!(pace.ahead(8, soon, 1000), 1000);
        for _ in 0..100 {
            pace.took(Duration::from_millis(10));
        }
        assert!((30..=48).contains(&pace.ahead(8, soon, 1000)), "{}", pace.ahead(8, soon, 1000));
        for _ in 0..100 {
            pace.took(Duration::from_secs(1));
        }
        assert_eq!(pace.ahead(8, soon, 1000), 0);
    }
}
