//! How long to wait between attempts.

use std::time::Duration;

/// Waits that grow from attempt to attempt, or that are listed one by one; with jitter.
#[derive(Debug, Clone, PartialEq)]
pub struct Backoff {
    /// Wait after the first failed attempt.
    pub initial: Duration,
    /// Each wait is this many times the one before.
    pub factor: f64,
    /// No wait is longer, before jitter.
    pub max: Duration,
    /// Share by which a wait is made shorter or longer, 0–1.
    pub jitter: f64,
    /// The waits one after the other, instead of those that grow; the last one is repeated.
    pub steps: Vec<Duration>,
}

impl Default for Backoff {
    /// 1 s doubling to 1 h ± 25 %.
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            factor: 2.0,
            max: Duration::from_secs(3600),
            jitter: 0.25,
            steps: Vec::new(),
        }
    }
}

impl Backoff {
    /// The same wait every time.
    #[must_use]
    pub const fn fixed(wait: Duration) -> Self {
        Self { initial: wait, factor: 1.0, max: wait, jitter: 0.0, steps: Vec::new() }
    }

    /// These waits one after the other; the last one is repeated. None at all: no wait.
    #[must_use]
    pub fn steps(waits: &[Duration]) -> Self {
        Self {
            initial: waits.first().copied().unwrap_or_default(),
            factor: 1.0,
            max: waits.iter().max().copied().unwrap_or_default(),
            jitter: 0.0,
            steps: waits.to_vec(),
        }
    }

    /// How long to wait after failed attempt number `attempt` (from 1); `random` is in 0–1.
    #[must_use]
    pub fn wait(&self, attempt: u32, random: f64) -> Duration {
        let spread = share(self.jitter) * (2.0 * share(random) - 1.0);
        let seconds = self.seconds(attempt.saturating_sub(1)) * (1.0 + spread);
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max)
    }

    /// Before jitter, after this many waits.
    fn seconds(&self, before: u32) -> f64 {
        let place = usize::try_from(before).unwrap_or(usize::MAX);
        if let Some(step) = self.steps.get(place).or(self.steps.last()) {
            return step.as_secs_f64();
        }
        let exponent = i32::try_from(before).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // min also takes care of an overflow to infinity.
        grown.min(self.max.as_secs_f64())
    }
}

/// In 0–1; what is no number is nothing.
fn share(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
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

    #[test]
    fn steps_follow_each_other_and_the_last_is_repeated() {
        let steps = [5, 300, 1800].map(Duration::from_secs);
        let waits = |n| Backoff::steps(&steps).wait(n, 0.9).as_secs();
        assert_eq!([1, 2, 3, 4, u32::MAX].map(waits), [5, 300, 1800, 1800, 1800]);
        assert_eq!(Backoff::steps(&[]).wait(1, 0.5), Duration::ZERO);
    }
}
