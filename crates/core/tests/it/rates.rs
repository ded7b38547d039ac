//! Rates: whoever asks at whatever times, no stretch of time sees more than its share and a full bucket.

use std::time::Duration;

use mindflight_core::policy::Rate;
use proptest::prelude::*;

use crate::always;

/// What a bucket that is full in the beginning gives at these times to those who want so many.
fn starts(rate: Rate, asked: &[(u64, u32)]) -> Vec<(Duration, u32)> {
    let (mut tokens, mut now) = (f64::from(rate.count), Duration::ZERO);
    let given = asked.iter().map(|(pause, wanted)| {
        let pause = Duration::from_millis(*pause);
        (tokens, now) = (rate.refill(tokens, pause), now + pause);
        let given = rate.whole(tokens).min(*wanted);
        tokens -= f64::from(given);
        (now, given)
    });
    given.collect()
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn no_window_sees_more_than_the_count_and_a_full_bucket(
        count in 1_u32..100,
        period in 1_u64..10_000,
        asked in prop::collection::vec((0_u64..5000, 0_u32..100), 1..60),
    ) {
        let rate = Rate::new(count, Duration::from_millis(period));
        let given = starts(rate, &asked);
        for (place, (from, _)) in given.iter().enumerate() {
            let within = given[place..].iter().take_while(|(time, _)| *time <= *from + rate.period);
            let sum: u32 = within.map(|(_, given)| *given).sum();
            prop_assert!(sum <= count * 2, "{sum} within one period of {rate}");
        }
    }

    #[test]
    fn who_waits_as_long_as_it_says_may_start(count in 1_u32.., period in 1_u64..10_000_000_000, tokens in 0.0..1.0_f64) {
        let rate = Rate::new(count, Duration::from_millis(period));
        let wait = rate.wait(tokens) + Duration::from_nanos(1);
        prop_assert!(rate.whole(rate.refill(tokens, wait)) >= 1);
    }

    #[test]
    fn what_is_written_is_read_again(count in any::<u32>(), period in any::<u64>()) {
        let rate = Rate::new(count, Duration::from_millis(period));
        prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
    }

    #[test]
    fn anything_is_read_or_refused(text in "\\PC{0,20}|[0-9]{0,9}/[0-9]{0,9}(ms|s|m|h|d)?") {
        if let Ok(rate) = text.parse::<Rate>() {
            prop_assert_eq!(rate.to_string().parse::<Rate>(), Ok(rate));
        }
    }
}
