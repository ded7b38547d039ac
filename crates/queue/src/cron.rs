//! Cron expressions in a time zone.
//!
//! Over a change of the clocks: a fixed time that is skipped runs right after the gap, one that comes twice runs
//! once; `*` and steps follow the time that passes (the rules of Vixie cron).

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};

/// Slots looked at in one go; a schedule that missed more of them forgets the oldest.
const MOST: usize = 1000;

/// A cron expression in a time zone.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: Tz,
}

/// What is wrong with a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSchedule(String);

impl fmt::Display for BadSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadSchedule {}

impl Timetable {
    /// Reads five fields (minute, hour, day of month, month, day of week) and an IANA time zone.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn new(cron: &str, zone: &str) -> Result<Self, BadSchedule> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let parsed = parser.parse(cron).map_err(|error| {
            BadSchedule(format!(
                "`{cron}` is no cron expression of five fields (minute, hour, day of month, month, day of week): {error}"
            ))
        })?;
        let zone = zone.parse().map_err(|_| {
            BadSchedule(format!("`{zone}` is no IANA time zone, such as `UTC` or `Europe/Berlin`"))
        })?;
        Ok(Self { cron: parsed, zone })
    }

    /// The next `count` slots after `after`.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        let slots = self.cron.iter_after(after.with_timezone(&self.zone));
        slots.take(count).map(|slot| slot.with_timezone(&Utc)).collect()
    }

    /// The newest slots after `after` that are not after `now`, in rising order.
    #[must_use]
    pub fn passed(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // It gives what is before a time, and looks at whole seconds.
        let end = now.with_timezone(&self.zone) + TimeDelta::seconds(1);
        let mut passed: Vec<DateTime<Utc>> = self
            .cron
            .iter_before(end)
            .map(|slot| slot.with_timezone(&Utc))
            .skip_while(|slot| *slot > now)
            .take_while(|slot| *slot > after)
            .take(MOST)
            .collect();
        passed.reverse();
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn slots(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let table = Timetable::new(cron, zone).unwrap();
        let slots = table.next(at(after), count);
        slots.iter().map(|slot| slot.format("%d %H:%M").to_string()).collect()
    }

    #[test]
    fn a_slot_is_a_time_of_its_zone() {
        assert_eq!(
            slots("0 9 * * 1-5", "Europe/Berlin", "2026-07-03T12:00:00Z", 2),
            ["06 07:00", "07 07:00"]
        );
        assert_eq!(
            slots("*/20 * * * *", "UTC", "2026-07-03T12:05:00Z", 3),
            ["03 12:20", "03 12:40", "03 13:00"]
        );
    }

    /// T18: clocks go forward at 02:00 on 29 March 2026 in Berlin (01:00 UTC).
    #[test]
    fn a_fixed_time_in_the_gap_runs_once_right_after_it() {
        assert_eq!(
            slots("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
            ["28 01:30", "29 01:00", "30 00:30"]
        );
    }

    /// T18: clocks go back at 03:00 on 25 October 2026 in Berlin (01:00 UTC).
    #[test]
    fn a_fixed_time_that_comes_twice_runs_once_and_intervals_follow_the_time_that_passes() {
        assert_eq!(
            slots("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
            ["25 00:30", "26 01:30"]
        );
        assert_eq!(
            slots("*/30 * * * *", "Europe/Berlin", "2026-10-24T23:45:00Z", 5),
            ["25 00:00", "25 00:30", "25 01:00", "25 01:30", "25 02:00"]
        );
    }

    #[test]
    fn what_passed_is_what_lies_between_two_times() {
        let table = Timetable::new("0 * * * *", "UTC").unwrap();
        let passed = table.passed(at("2026-11-21T08:00:00Z"), at("2026-11-21T11:00:00Z"));
        assert_eq!(passed, [9, 10, 11].map(|hour| at(&format!("2026-11-21T{hour:02}:00:00Z"))));
        assert!(table.passed(at("2026-11-21T11:00:00Z"), at("2026-11-21T11:59:59Z")).is_empty());
        let years = table.passed(at("2020-01-01T00:00:00Z"), at("2026-11-21T11:30:00Z"));
        assert_eq!((years.len(), years.last()), (MOST, Some(&at("2026-11-21T11:00:00Z"))));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (cron, zone, named) in [
            ("* * * *", "UTC", "`* * * *`"),
            ("0 * * * * *", "UTC", "five fields"),
            ("61 * * * *", "UTC", "`61 * * * *`"),
            ("* * * * *", "Berlin", "`Berlin`"),
        ] {
            let error = Timetable::new(cron, zone).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
