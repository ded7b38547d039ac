//! What the operator says of kinds, instead of their providers.

use std::time::Duration;

use mindflight_core::jobs::Options;
use mindflight_core::policy::{Backoff, Rate};

/// What the operator says of one kind; what is not set is as its provider declared it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KindOverride {
    /// 0–9, lower first.
    pub priority: Option<u8>,
    /// Attempts before a job has failed.
    pub max_attempts: Option<u32>,
    /// How long to wait between attempts.
    pub backoff: Option<BackoffOverride>,
    /// When an attempt is cut.
    pub deadline: Option<Duration>,
    /// Attempts at the same time, over all instances.
    pub concurrency: Option<u32>,
    /// Attempts that start in a stretch of time, over all instances.
    pub rate: Option<Rate>,
}

/// How long to wait between attempts, as far as the operator says it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BackoffOverride {
    /// Wait after the first failed attempt.
    pub initial: Option<Duration>,
    /// Each wait is this many times the one before.
    pub factor: Option<f64>,
    /// No wait is longer, before jitter.
    pub max: Option<Duration>,
    /// Share by which a wait is made shorter or longer, 0–1.
    pub jitter: Option<f64>,
    /// The waits one after the other, instead of those that grow.
    pub steps: Option<Vec<Duration>>,
}

impl KindOverride {
    /// Changes what was declared; gives what it changed.
    pub(crate) fn apply(&self, options: &mut Options) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let mut set = |name, is_set: bool| changed.extend(is_set.then_some(name));
        set("priority", self.priority.is_some());
        set("max_attempts", self.max_attempts.is_some());
        set("backoff", self.backoff.is_some());
        set("deadline", self.deadline.is_some());
        set("concurrency", self.concurrency.is_some());
        set("rate", self.rate.is_some());
        if let Some(backoff) = &self.backoff {
            options.backoff = backoff.of(&options.backoff);
        }
        options.priority = self.priority.map_or(options.priority, |priority| priority.min(9));
        options.max_attempts = self.max_attempts.unwrap_or(options.max_attempts).max(1);
        options.deadline = self.deadline.unwrap_or(options.deadline);
        options.concurrency = self.concurrency.map(|slots| slots.max(1)).or(options.concurrency);
        options.rate = self.rate.or(options.rate);
        changed
    }
}

impl BackoffOverride {
    /// Waits that grow are told apart from those that are listed: what is said of the one ends the other.
    fn of(&self, declared: &Backoff) -> Backoff {
        let jitter = self.jitter.unwrap_or(declared.jitter);
        if let Some(steps) = &self.steps {
            return Backoff { jitter, ..Backoff::steps(steps) };
        }
        let grows = self.initial.is_some() || self.factor.is_some() || self.max.is_some();
        if !grows {
            return Backoff { jitter, ..declared.clone() };
        }
        let usual = Backoff::default();
        let base = if declared.steps.is_empty() { declared } else { &usual };
        let initial = self.initial.unwrap_or(base.initial);
        Backoff {
            initial,
            factor: self.factor.unwrap_or(base.factor),
            // Whoever asks for a longer first wait means it.
            max: self.max.unwrap_or(base.max.max(initial)),
            jitter,
            steps: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_what_is_said_is_changed() {
        let mut options = Options::default();
        options.rate = Some(Rate::new(5, SECOND));
        assert!(KindOverride::default().apply(&mut options).is_empty());
        let before = options.clone();
        let said = KindOverride {
            max_attempts: Some(3),
            priority: Some(12),
            concurrency: Some(4),
            ..KindOverride::default()
        };
        assert_eq!(said.apply(&mut options), ["priority", "max_attempts", "concurrency"]);
        assert_eq!((options.max_attempts, options.priority, options.concurrency), (3, 9, Some(4)));
        assert_eq!(
            (options.rate, &options.backoff, options.deadline),
            (before.rate, &before.backoff, before.deadline)
        );
    }

    #[test]
    fn waits_that_grow_replace_steps_and_the_other_way_round() {
        let (steps, usual) = (Backoff::steps(&[SECOND, SECOND * 9]), Backoff::default());
        let longer = BackoffOverride { initial: Some(SECOND * 7200), ..Default::default() };
        assert_eq!(longer.of(&usual).wait(3, 0.5), SECOND * 7200);
        let max = BackoffOverride { max: Some(SECOND * 3), ..Default::default() };
        assert_eq!(max.of(&usual), Backoff { max: SECOND * 3, ..usual.clone() });
        assert_eq!(max.of(&steps), Backoff { max: SECOND * 3, jitter: 0.0, ..usual.clone() });
        let jitter = BackoffOverride { jitter: Some(0.5), ..Default::default() };
        assert_eq!(jitter.of(&steps), Backoff { jitter: 0.5, ..steps.clone() });
        let listed = BackoffOverride { steps: Some(vec![SECOND * 5]), ..Default::default() };
        assert_eq!(listed.of(&usual).wait(9, 0.5), SECOND * 5);
    }
}
