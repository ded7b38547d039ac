//! When two jobs count as the same.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

/// Which jobs of a kind count as the same: all of them, or those that agree in what is set here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unique {
    /// Compare these arguments; all of them if empty.
    pub args: Vec<String>,
    /// Compare the time slot of this length they were made in.
    pub period: Option<Duration>,
    /// Let go of the key when an attempt starts, instead of when the job ends.
    pub until_start: bool,
}

/// The key under which at most one job is unfinished.
#[must_use]
pub fn unique_key(kind: &str, args: &Value, unique: &Unique, now: DateTime<Utc>) -> String {
    let mut parts = vec![kind.to_owned()];
    match unique.args.as_slice() {
        [] => parts.push(canonical(args)),
        names => {
            let value = |name: &String| canonical(args.get(name).unwrap_or(&Value::Null));
            parts.extend(names.iter().map(|name| format!("{name}={}", value(name))));
        }
    }
    if let Some(period) = unique.period.filter(|period| !period.is_zero()) {
        let length = i64::try_from(period.as_secs().max(1)).unwrap_or(i64::MAX);
        parts.push(format!("slot={}", now.timestamp().div_euclid(length)));
    }
    parts.join("|")
}

/// `value` with the members of objects sorted: the same for arguments that mean the same.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<_> = object.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let texts = members.iter().map(|(name, value)| {
                format!("{}:{}", Value::from(name.as_str()), canonical(value))
            });
            format!("{{{}}}", texts.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(args: &Value, unique: &Unique, at: i64) -> String {
        unique_key("mail.sync", args, unique, DateTime::from_timestamp(at, 0).unwrap())
    }

    #[test]
    fn the_order_of_members_does_not_matter() {
        let all = Unique::default();
        let (a, b) =
            (json!({"x": 1, "y": {"p": 1, "q": 2}}), json!({"y": {"q": 2, "p": 1}, "x": 1}));
        assert_eq!(key(&a, &all, 0), key(&b, &all, 9));
        assert_ne!(key(&a, &all, 0), key(&json!({"x": 2}), &all, 0));
    }

    #[test]
    fn only_the_named_arguments_and_the_slot_count() {
        let unique = Unique {
            args: vec!["account".into()],
            period: Some(Duration::from_secs(60)),
            until_start: false,
        };
        let (a, b) = (json!({"account": 7, "page": 1}), json!({"account": 7, "page": 2}));
        assert_eq!(key(&a, &unique, 0), key(&b, &unique, 59));
        assert_ne!(key(&a, &unique, 0), key(&a, &unique, 60));
    }
}
