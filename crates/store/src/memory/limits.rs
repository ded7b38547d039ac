//! What may be a key, a value and a range of keys; checked before anything is sent.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};
use mindflight_core::ports::Set;
use serde_json::Value;

use crate::{Error, Result, text};

const KEY_CHARACTERS: usize = 512;
const SPACE_CHARACTERS: usize = 200;
const VALUE_BYTES: usize = 256 * 1024;

/// A checked space and key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) space: &'a str,
    pub(crate) key: &'a str,
}

impl<'a> Place<'a> {
    pub(crate) fn new(space: &'a str, key: &'a str) -> Result<Self> {
        check_space(space)?;
        text::check("key", key)?;
        length("key", key, KEY_CHARACTERS)?;
        Ok(Self { space, key })
    }
}

fn check_space(space: &str) -> Result<()> {
    text::check("space", space)?;
    length("space", space, SPACE_CHARACTERS)
}

fn length(field: &str, text: &str, most: usize) -> Result<()> {
    match text.chars().count() {
        0 => Err(Error::Invalid(format!("`{field}` is empty; it has 1 to {most} characters"))),
        found if found > most => Err(Error::Invalid(format!(
            "`{field}` has {found} characters; at most {most} are allowed"
        ))),
        _ => Ok(()),
    }
}

/// A checked value and how to write it.
#[derive(Debug)]
pub(crate) struct New {
    /// The value's text, stored as it is.
    pub(crate) json: String,
    pub(crate) if_version: Option<i64>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) expires_at: Option<DateTime<Utc>>,
}

impl New {
    pub(crate) fn checked(value: &Value, how: Set, now: DateTime<Utc>) -> Result<Self> {
        text::check_json("value", value)?;
        let json = value.to_string();
        if json.len() > VALUE_BYTES {
            return Err(Error::TooLarge(format!(
                "the value has {} bytes as JSON; at most {VALUE_BYTES} (256 KiB) are allowed",
                json.len()
            )));
        }
        Ok(Self {
            json,
            // No row ever counts so far, so that the clipped one fits none either.
            if_version: how.if_version.map(|version| i64::try_from(version).unwrap_or(i64::MAX)),
            now,
            // A time beyond the calendar is never.
            expires_at: how
                .ttl
                .and_then(|ttl| now.checked_add_signed(TimeDelta::from_std(ttl).ok()?)),
        })
    }
}

/// The keys with a prefix, as a range of the primary key: `from <= key < below`, without `but`.
#[derive(Debug)]
pub(crate) struct Range<'a> {
    pub(crate) space: &'a str,
    pub(crate) from: &'a str,
    pub(crate) below: Cow<'static, str>,
    pub(crate) but: Option<&'a str>,
}

impl<'a> Range<'a> {
    pub(crate) fn new(space: &'a str, prefix: &'a str, after: Option<&'a str>) -> Result<Self> {
        check_space(space)?;
        text::check("prefix", prefix)?;
        text::check("cursor", after.unwrap_or_default())?;
        Ok(Self {
            space,
            from: prefix.max(after.unwrap_or_default()),
            below: above_all_with(prefix),
            but: after,
        })
    }
}

/// The least text that is greater than every key with the prefix, in the order of bytes, which for
/// UTF-8 is the order of characters.
fn above_all_with(prefix: &str) -> Cow<'static, str> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The range of characters steps over the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return text.into();
        }
    }
    // No key is as long as this.
    char::MAX.to_string().repeat(KEY_CHARACTERS + 1).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_the_next_text() {
        assert_eq!(above_all_with("a"), "b");
        assert_eq!(above_all_with("a\u{10ffff}"), "b");
        assert_eq!(above_all_with("a\u{d7ff}"), "a\u{e000}");
        assert_eq!(above_all_with("a%_"), "a%`");
        for prefix in ["", "\u{10ffff}"] {
            let longest = char::MAX.to_string().repeat(KEY_CHARACTERS);
            assert!(above_all_with(prefix).as_ref() > longest.as_str());
        }
    }

    #[test]
    fn a_limit_is_named_when_it_is_passed() {
        let long = "ä".repeat(512);
        assert!(Place::new("s", &long).is_ok());
        let error = Place::new("s", &format!("{long}x")).unwrap_err().to_string();
        assert!(error.contains("513") && error.contains("512"), "{error}");
        assert!(matches!(Place::new("s", ""), Err(Error::Invalid(_))));
        assert!(matches!(Place::new("s", "\0"), Err(Error::Nul(field)) if field == "key"));

        let fits = json!("x".repeat(VALUE_BYTES - 2));
        let over = json!("x".repeat(VALUE_BYTES - 1));
        let now = DateTime::UNIX_EPOCH;
        assert!(New::checked(&fits, Set::default(), now).is_ok());
        assert!(matches!(New::checked(&over, Set::default(), now), Err(Error::TooLarge(_))));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_never() {
        let how = Set { ttl: Some(std::time::Duration::MAX), if_version: None };
        let new = New::checked(&json!(1), how, DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(new.expires_at, None);
    }
}
