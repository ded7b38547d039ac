//! Waits between attempts, and what follows an attempt.

use std::time::Duration;

use mindflight_core::Error;
use mindflight_core::policy::{Backoff, Next, Outcome, after_attempt};
use proptest::prelude::*;

use crate::always;

prop_compose! {
    fn backoff()(
        initial in 0_u64..100_000,
        factor in 1.0..10.0_f64,
        more in 0_u64..10_000_000,
        jitter in 0.0..=1.0_f64,
    ) -> Backoff {
        let max = Duration::from_millis(initial + more);
        Backoff { initial: Duration::from_millis(initial), factor, max, jitter, steps: Vec::new() }
    }
}

/// Numbers that declarations can hold although they mean nothing.
fn odd() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0)
    ]
}

#[derive(Debug, Clone)]
enum Failure {
    Upstream,
    Own,
    Conflict,
    Invalid,
    Permanent,
    Later(Duration),
    Snooze(Duration),
}

impl Failure {
    fn error(&self) -> Error {
        match self {
            Self::Upstream => Error::upstream("503"),
            Self::Own => Error::failed("it broke"),
            Self::Conflict => Error::conflict("somebody was faster"),
            Self::Invalid => Error::invalid("no such account"),
            Self::Permanent => Error::upstream("410").permanent(),
            Self::Later(wait) => Error::retry_in(*wait),
            Self::Snooze(wait) => Error::snooze(*wait),
        }
    }
}

fn failure() -> impl Strategy<Value = Failure> {
    let wait = (0_u64..100_000).prop_map(Duration::from_millis);
    prop_oneof![
        Just(Failure::Upstream),
        Just(Failure::Own),
        Just(Failure::Conflict),
        Just(Failure::Invalid),
        Just(Failure::Permanent),
        wait.clone().prop_map(Failure::Later),
        wait.prop_map(Failure::Snooze),
    ]
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn a_wait_stays_within_its_jitter(backoff in backoff(), attempt in 1_u32.., random in 0.0..=1.0_f64) {
        let (wait, middle) = (backoff.wait(attempt, random), backoff.wait(attempt, 0.5));
        let (least, most) = (backoff.wait(attempt, 0.0), backoff.wait(attempt, 1.0));
        prop_assert!(least <= wait && wait <= most, "{least:?} {wait:?} {most:?}");
        let slack = Duration::from_micros(1);
        prop_assert!(middle >= backoff.initial.saturating_sub(slack) && middle <= backoff.max + slack);
        prop_assert!(most <= backoff.max.mul_f64(1.0 + backoff.jitter) + slack);
    }

    #[test]
    fn waits_never_become_shorter(backoff in backoff(), attempt in 1_u32..10_000, random in 0.0..=1.0_f64) {
        prop_assert!(backoff.wait(attempt, random) <= backoff.wait(attempt + 1, random));
    }

    #[test]
    fn steps_are_taken_as_they_are(steps in prop::collection::vec(0_u64..100_000, 1..20), attempt in 1_u32..50) {
        let steps: Vec<Duration> = steps.into_iter().map(Duration::from_secs).collect();
        let place = (attempt as usize - 1).min(steps.len() - 1);
        prop_assert_eq!(Backoff::steps(&steps).wait(attempt, 0.3), steps[place]);
    }

    #[test]
    fn odd_numbers_make_no_panic(
        initial in any::<u64>(),
        max in any::<u64>(),
        numbers in (odd(), odd(), odd()),
        attempt in any::<u32>(),
    ) {
        let (factor, jitter, random) = numbers;
        let (initial, max) = (Duration::from_millis(initial), Duration::from_millis(max));
        let backoff = Backoff { initial, factor, max, jitter, steps: Vec::new() };
        prop_assert!(backoff.wait(attempt, random) <= max.saturating_mul(2).saturating_add(Duration::from_secs(1)));
    }

    #[test]
    fn what_follows_a_failure_is_always_decided(
        failure in failure(),
        attempt in any::<u32>(),
        max in any::<u32>(),
        random in odd(),
    ) {
        let error = failure.error();
        let backoff = Backoff::default();
        let next = after_attempt(&Outcome::Failed(&error), (attempt, max), &backoff, random);
        match failure {
            // It does not count, however many attempts there were.
            Failure::Snooze(wait) => prop_assert_eq!(next, Next::Snooze(wait)),
            Failure::Invalid | Failure::Permanent => prop_assert_eq!(next, Next::Failed),
            _ if attempt >= max => prop_assert_eq!(next, Next::Failed),
            Failure::Later(wait) => prop_assert_eq!(next, Next::Retry(wait)),
            Failure::Upstream | Failure::Own | Failure::Conflict => {
                prop_assert_eq!(next, Next::Retry(backoff.wait(attempt, random)));
            }
        }
    }

    #[test]
    fn a_job_that_always_fails_is_attempted_as_often_as_it_may(max in 1_u32..200) {
        let (error, backoff) = (Error::upstream("503"), Backoff::default());
        let next = |attempt| after_attempt(&Outcome::Failed(&error), (attempt, max), &backoff, 0.5);
        let attempts = (1..).take_while(|attempt| matches!(next(*attempt), Next::Retry(_))).count();
        prop_assert_eq!(attempts, max as usize - 1);
    }
}
