//! How single values are written on the command line.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use mindflight_api::{InvalidId, Role, Scope};
use mindflight_client::events::After;

use super::local::Setting;

const UNITS: &[(char, u64)] = &[('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 604_800)];

/// A number and a unit: `90s`, `5m`, `12h`, `30d`, `2w`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a number above 0 and a unit: 90s, 5m, 12h, 30d or 2w".to_owned();
    let (_, factor) = UNITS.iter().find(|(unit, _)| text.ends_with(*unit)).ok_or_else(wrong)?;
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match number.checked_mul(*factor) {
        // A century is more than any time here; it keeps later sums of times in range.
        Some(seconds @ 1..=3_155_760_000) => Ok(Duration::from_secs(seconds)),
        Some(0) => Err(wrong()),
        Some(_) | None => Err("write at most 100 years".to_owned()),
    }
}

/// An address to listen on.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        "write an IP address and a port, as 127.0.0.1:8080 or [::]:8080; port 0 takes a free one"
            .to_owned()
    })
}

/// `section.key=value`.
pub(super) fn setting(text: &str) -> Result<Setting, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !key.split('.').any(str::is_empty) => {
            Ok(Setting { key: key.to_owned(), value: value.to_owned() })
        }
        Some(_) | None => Err("write section.key=value, as jobs.workers=2".to_owned()),
    }
}

pub(super) fn scope(text: &str) -> Result<Scope, String> {
    text.trim().parse().map_err(|error: mindflight_api::scope::UnknownScope| error.to_string())
}

pub(super) fn role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|error: mindflight_api::scope::UnknownRole| error.to_string())
}

/// An id of any kind.
pub(super) fn id<T: FromStr<Err = InvalidId>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: InvalidId| error.to_string())
}

/// A place in the log of events, or a position.
pub(super) fn after(text: &str) -> Result<After, String> {
    text.parse().map_err(|_| {
        "write a place, as 3f9a1c2e-42, or a position, as 42; `event tail -o name` prints places"
            .to_owned()
    })
}

/// A duration that may also be one of milliseconds: `500ms`.
pub(super) fn delay(text: &str) -> Result<Duration, String> {
    match text.strip_suffix("ms") {
        // Twelve digits are thirty years, and always a number.
        Some(digits) if digits.len() < 13 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            let number = digits.parse().ok().filter(|number| *number > 0);
            number
                .map(Duration::from_millis)
                .ok_or_else(|| "write a number above 0 and a unit: 500ms, 90s or 5m".to_owned())
        }
        Some(_) | None => duration(text),
    }
}

/// A value, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrNone<T>(pub(crate) Option<T>);

/// `none`, or a value.
pub(super) fn or_none<T: FromStr<Err: Display>>(text: &str) -> Result<OrNone<T>, String> {
    match text {
        "none" => Ok(OrNone(None)),
        text => match text.parse() {
            Ok(value) => Ok(OrNone(Some(value))),
            Err(error) => Err(format!("{error}; write none to have no limit")),
        },
    }
}

/// A point in time: RFC 3339, or a day in UTC.
pub(crate) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map(|day| day.and_time(NaiveTime::MIN).and_utc())
        .map_err(|_| {
            "write a time with its zone, as 2026-01-31T18:00:00Z, or a day, as 2026-01-31"
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, seconds) in
            [("90s", 90), ("5m", 300), ("12h", 43_200), ("30d", 2_592_000), ("2w", 1_209_600)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "s",
            "5",
            "0d",
            "-1d",
            "+1d",
            "1.5h",
            "5 m",
            "5ü",
            "99999999999999999999d",
            "5000w1d",
            "9999999999d",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn delays_may_be_milliseconds() {
        assert_eq!(delay("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(delay("5m"), Ok(Duration::from_secs(300)));
        for wrong in ["ms", "0ms", "-1ms", "1.5ms", "9999999999999ms", "5"] {
            assert!(delay(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn none_is_a_value_that_is_not_there() {
        assert_eq!(or_none::<u32>("none"), Ok(OrNone(None)));
        assert_eq!(or_none("7"), Ok(OrNone(Some(7_u32))));
        assert_eq!(or_none("100/1m"), Ok(OrNone(Some("100/1m".to_owned()))));
        assert!(or_none::<u32>("-1").unwrap_err().ends_with("write none to have no limit"));
    }

    #[test]
    fn moments_have_a_zone_or_are_days() {
        for (text, expected) in [
            ("2026-01-31T18:00:00+01:00", "2026-01-31T17:00:00Z"),
            ("2026-01-31T18:00:00.5Z", "2026-01-31T18:00:00.5Z"),
            ("2026-01-31", "2026-01-31T00:00:00Z"),
        ] {
            assert_eq!(moment(text), Ok(expected.parse().unwrap()), "{text}");
        }
        for wrong in ["", "today", "2026-01-31T18:00:00", "2026-02-30", "18:00", "1700000000"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_setting_has_a_path_and_a_value() {
        let setting_of =
            |key: &str, value: &str| Setting { key: key.to_owned(), value: value.to_owned() };
        assert_eq!(setting("jobs.workers=2"), Ok(setting_of("jobs.workers", "2")));
        assert_eq!(setting("a=b=c"), Ok(setting_of("a", "b=c")));
        assert_eq!(setting("a="), Ok(setting_of("a", "")));
        for wrong in ["", "=", "a", "=b", "a.=b", ".a=b", "a..b=c"] {
            assert!(setting(wrong).is_err(), "{wrong}");
        }
    }
}
