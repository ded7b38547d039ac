//! How long to wait between attempts.

use std::time::Duration;

/// Exponential backoff with jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Wait after the first failed attempt.
    pub initial: Duration,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer, before jitter.
    pub max: Duration,
    /// Share by which a wait is made shorter or longer, 0–1.
    pub jitter: f64,
}

impl Default for Backoff {
    /// 1 s doubling to 1 h ± 25 %.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(3600),
            jitter: 0.25,
        }
    }
}

impl Backoff {
    /// The same wait every time.
    #[must_use]
    pub const fn fixed(wait: Duration) -> Self {
        Self { initial: wait, factor: 1.0, max: wait, jitter: 0.0 }
    }

    /// How long to wait after failed attempt number `attempt` (from 1); `random` is in 0–1.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // min also takes care of an overflow to infinity.
        let bounded = grown.min(self.max.as_secs_f64());
        let spread = self.jitter.clamp(0.0, 1.0) * (2.0 * random.clamp(0.0, 1.0) - 1.0);
        Duration::from_secs_f64(bounded * (1.0 + spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let waits = |n| Backoff::default().wait(n, 0.5).as_secs();
        assert_eq!([1, 2, 3, 11, 12, 13, u32::MAX].map(waits), [1, 2, 4, 1024, 2048, 3600, 3600]);
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let backoff = Backoff::default();
        assert_eq!(backoff.wait(1, 0.0), Duration::from_millis(750));
        assert_eq!(backoff.wait(1, 1.0), Duration::from_millis(1250));
        assert_eq!(Backoff::fixed(Duration::from_secs(7)).wait(9, 0.9), Duration::from_secs(7));
    }
}
