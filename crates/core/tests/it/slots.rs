//! Times of a schedule that passed.

use chrono::{DateTime, TimeDelta, Utc};
use mindflight_core::policy::{Missed, due};
use proptest::prelude::*;

use crate::always;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

proptest! {
    #![proptest_config(always())]

    #[test]
    fn each_policy_takes_its_times_and_none_twice(
        gaps in prop::collection::vec(1_i64..10_000, 0..50),
        late in 0_i64..100_000,
        grace in 0_i64..1000,
    ) {
        let times = gaps.iter().scan(0, |sum, gap| { *sum += gap; Some(at(*sum)) });
        let passed: Vec<_> = times.collect();
        let last = passed.last().copied();
        let now = last.unwrap_or(at(0)) + TimeDelta::seconds(late);
        let of = |missed| due(&passed, now, TimeDelta::seconds(grace), missed).to_vec();
        prop_assert_eq!(of(Missed::All), passed.clone());
        prop_assert_eq!(of(Missed::Latest), Vec::from_iter(last));
        // Only the latest can be on time.
        prop_assert_eq!(of(Missed::Skip), Vec::from_iter(last.filter(|_| late <= grace)));
    }
}
