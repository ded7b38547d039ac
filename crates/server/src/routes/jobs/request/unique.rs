//! When a job counts as the same as another: `unique`, and its short form `unique_key`.

use std::time::Duration;

use mindflight_calls::nearest;
use mindflight_core::policy::{Release, Unique};
use serde_json::{Map, Value};

use super::members::{Members, shown, span};
use crate::pointer::escape;

/// The most characters of a key.
const LONGEST_KEY: usize = 200;

const KNOWN: [&str; 4] = ["args", "key", "period", "release"];

impl Members<'_> {
    /// The key to compare instead of arguments, in either form.
    pub(super) fn unique_key(&mut self) -> Option<String> {
        let short = self.text("unique_key", LONGEST_KEY);
        let Some(Value::Object(unique)) = self.get("unique") else {
            return short;
        };
        let key = unique.get("key").filter(|key| !key.is_null())?;
        let is_short = |key: &&str| (1..=LONGEST_KEY).contains(&key.chars().count());
        let text = key.as_str().filter(is_short).map(str::to_owned);
        if text.is_none() {
            let got = shown(key);
            let what = format!("must be a string of 1 to {LONGEST_KEY} characters; got {got}");
            self.wrong("unique/key", &what);
        }
        text
    }

    pub(super) fn unique(&mut self) -> Option<Unique> {
        let value = self.get("unique")?;
        let Value::Object(given) = value else {
            let got = shown(value);
            self.wrong(
                "unique",
                &format!("must be an object such as {{\"period\":\"1h\"}}; got {got}"),
            );
            return None;
        };
        let given = given.clone();
        if let Some(name) = given.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            let near = nearest(name, KNOWN);
            let near = near.first().map(|near| format!("; did you mean `{near}`?"));
            let hint = near.unwrap_or_else(|| format!("; there are {}", KNOWN.join(", ")));
            self.wrong(
                &format!("unique/{}", escape(name)),
                &format!("is no member of `unique`{hint}"),
            );
        }
        if self.get("unique_key").is_some() {
            self.wrong("unique", "and `unique_key` cannot be given together; leave one out");
        }
        let (period, release) = (self.period(&given), self.release(&given));
        if release == Release::Period
            && period.is_none()
            && given.get("period").is_none_or(Value::is_null)
        {
            self.wrong("unique/release", "can be \"period\" only with a `period` beside it");
        }
        Some(Unique { args: self.compared(&given), period, release })
    }

    fn compared(&mut self, given: &Map<String, Value>) -> Vec<String> {
        let Some(value) = given.get("args").filter(|args| !args.is_null()) else {
            return Vec::new();
        };
        let names = value.as_array().filter(|names| (1..=100).contains(&names.len()));
        let texts = names.and_then(|names| {
            names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            let got = shown(value);
            self.wrong(
                "unique/args",
                &format!("must be an array of 1 to 100 names of arguments; got {got}"),
            );
        }
        if given.get("key").is_some_and(|key| !key.is_null()) {
            self.wrong("unique/args", "and `key` cannot be given together; leave one out");
        }
        texts.unwrap_or_default()
    }

    fn period(&mut self, given: &Map<String, Value>) -> Option<Duration> {
        let value = given.get("period").filter(|period| !period.is_null())?;
        // Slots have whole seconds.
        let is_whole = |period: &Duration| period.subsec_nanos() == 0 && !period.is_zero();
        let period = span(value).filter(is_whole);
        if period.is_none() {
            let got = shown(value);
            let what = format!(
                "must be whole seconds from 1 on, or a text such as \"1h\" (s, m, h, d), at most 10 years; got {got}"
            );
            self.wrong("unique/period", &what);
        }
        period
    }

    fn release(&mut self, given: &Map<String, Value>) -> Release {
        match given.get("release") {
            None | Some(Value::Null) => Release::End,
            Some(Value::String(text)) if text == "start" => Release::Start,
            Some(Value::String(text)) if text == "end" => Release::End,
            Some(Value::String(text)) if text == "period" => Release::Period,
            Some(other) => {
                let got = shown(other);
                self.wrong(
                    "unique/release",
                    &format!("must be \"start\", \"end\" or \"period\"; got {got}"),
                );
                Release::End
            }
        }
    }
}
