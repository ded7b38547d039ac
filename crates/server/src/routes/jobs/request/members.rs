//! The members of one job, each with its bounds.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{LONGEST_DELAY, Mistakes};
use crate::config::Span;

/// The most tags of a job, and the most characters of one; of a queue's name, too.
const MOST_TAGS: usize = 10;
pub(super) const LONGEST_NAME: usize = 100;

/// The members of one job. What is null was left out; what is wrong is noted, and read as left out.
pub(super) struct Members<'a> {
    pub(super) item: &'a Map<String, Value>,
    pub(super) at: &'a str,
    pub(super) mistakes: &'a mut Mistakes,
}

impl Members<'_> {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.item.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn wrong(&mut self, name: &str, what: &str) {
        self.mistakes.add(format!("{}/{name}", self.at), format!("`{name}` {what}"));
    }

    pub(super) fn kind(&mut self) -> Option<String> {
        match self.get("kind") {
            Some(Value::String(kind)) => Some(kind.clone()),
            Some(other) => {
                let got = shown(other);
                self.wrong("kind", &format!("must be a string such as \"demo.sleep\"; got {got}"));
                None
            }
            None => {
                self.wrong("kind", "is missing");
                None
            }
        }
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, name: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(name)?;
        if let Some(number) = value.as_u64().filter(|number| (least..=most).contains(number)) {
            return Some(number);
        }
        let got = shown(value);
        self.wrong(name, &format!("must be a whole number from {least} to {most}; got {got}"));
        None
    }

    /// A text that is not empty and not too long.
    pub(super) fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        let value = self.get(name)?;
        match value.as_str() {
            Some(text) if (1..=longest).contains(&text.chars().count()) => Some(text.to_owned()),
            _ => {
                let got = shown(value);
                let what = format!("must be a string of 1 to {longest} characters; got {got}");
                self.wrong(name, &what);
                None
            }
        }
    }

    pub(super) fn queue(&mut self) -> Option<String> {
        let name = self.text("queue", LONGEST_NAME)?;
        let is_legal =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
        if name.chars().all(is_legal) {
            return Some(name);
        }
        self.wrong("queue", "must have no other characters than a-z, 0-9, _, . and -");
        None
    }

    pub(super) fn run_at(&mut self) -> Option<DateTime<Utc>> {
        let value = self.get("run_at")?;
        let time = value.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok());
        if time.is_none() {
            let got = shown(value);
            self.wrong(
                "run_at",
                &format!("must be a time such as \"2026-11-21T09:00:00Z\"; got {got}"),
            );
        }
        if self.get("delay").is_some() {
            self.wrong("run_at", "and `delay` cannot be given together; leave one out");
        }
        time
    }

    pub(super) fn delay(&mut self) -> Option<Duration> {
        let value = self.get("delay")?;
        let delay = span(value);
        if delay.is_none() {
            let got = shown(value);
            let what = format!(
                "must be seconds from 0 on, or a text such as \"5m\" (ms, s, m, h, d), at most 10 years; got {got}"
            );
            self.wrong("delay", &what);
        }
        delay
    }

    pub(super) fn tags(&mut self) -> Vec<String> {
        let Some(value) = self.get("tags") else {
            return Vec::new();
        };
        let tags = value.as_array().filter(|tags| tags.len() <= MOST_TAGS);
        let Some(tags) = tags.cloned() else {
            self.wrong("tags", &format!("must be an array of at most {MOST_TAGS} strings"));
            return Vec::new();
        };
        for (place, tag) in tags.iter().enumerate() {
            let length = tag.as_str().map(|tag| tag.chars().count());
            if !length.is_some_and(|length| (1..=LONGEST_NAME).contains(&length)) {
                let got = shown(tag);
                let pointer = format!("{}/tags/{place}", self.at);
                let what =
                    format!("a tag must be a string of 1 to {LONGEST_NAME} characters; got {got}");
                self.mistakes.add(pointer, what);
            }
        }
        tags.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// Seconds, or a number with its unit, up to ten years.
pub(in crate::routes) fn span(value: &Value) -> Option<Duration> {
    let span = match value {
        Value::Number(seconds) => {
            seconds.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        }
        Value::String(text) => text.parse::<Span>().ok().map(|span| span.0),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    span.filter(|span| *span <= LONGEST_DELAY)
}

/// A value in few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.chars().count() > 40 => {
            format!("a string of {} characters", text.chars().count())
        }
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
