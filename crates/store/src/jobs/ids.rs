//! Ids of jobs as places in time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The lowest id that a job made at `time` can have: version 7 begins with the milliseconds, in 48 bits
/// (RFC 9562 §5.7).
#[must_use]
pub fn first_id(time: DateTime<Utc>) -> Uuid {
    let millis = u128::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(millis.min((1 << 48) - 1) << 80)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_the_first_id_of_its_millisecond() {
        let time = "2026-11-21T00:00:00Z".parse().unwrap();
        let first = first_id(time);
        assert_eq!(first.to_string(), "01a1fb67-1800-0000-0000-000000000000");
        assert!(first > first_id(time - Duration::from_millis(1)));
        assert_eq!(first_id(DateTime::from_timestamp(-5, 0).unwrap()), Uuid::nil());
    }
}
