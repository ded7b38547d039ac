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
    /// When the key is free again.
    pub release: Release,
}

/// When a unique key is free again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Release {
    /// When an attempt starts: unique among the jobs that wait.
    Start,
    /// When the job ends, however it does: unique among the jobs that are not finished.
    #[default]
    End,
    /// When the time slot of `period` is over, whatever becomes of the job. Without a `period` it is as
    /// [`End`](Self::End).
    Period,
}

impl Unique {
    /// The number of the slot that `now` is in, and when it ends.
    fn slot(&self, now: DateTime<Utc>) -> Option<(i64, DateTime<Utc>)> {
        let period = self.period.filter(|period| !period.is_zero())?;
        let length = i64::try_from(period.as_secs().max(1)).unwrap_or(i64::MAX);
        let slot = now.timestamp().div_euclid(length);
        let end = slot.checked_add(1).and_then(|next| next.checked_mul(length));
        let end = end.and_then(|end| DateTime::from_timestamp(end, 0));
        Some((slot, end.unwrap_or(DateTime::<Utc>::MAX_UTC)))
    }

    /// Until when a key made at `now` is taken whatever becomes of its job; `None` if its job decides.
    #[must_use]
    pub fn taken_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.slot(now).filter(|_| self.release == Release::Period).map(|(_, end)| end)
    }

    /// Whether the key is free as soon as an attempt starts.
    #[must_use]
    pub fn is_until_start(&self) -> bool {
        self.release == Release::Start
    }
}

/// The key of a job that brings its own word to compare instead of its arguments.
#[must_use]
pub fn own_key(kind: &str, key: &str, unique: &Unique, now: DateTime<Utc>) -> String {
    match (unique.slot(now), unique.period) {
        (Some((slot, _)), Some(period)) => format!("{kind}@{}/{slot}:{key}", period.as_secs()),
        _ => format!("{kind}:{key}"),
    }
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
    if let Some((slot, _)) = unique.slot(now) {
        parts.push(format!("slot={slot}"));
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
            release: Release::End,
        };
        let (a, b) = (json!({"account": 7, "page": 1}), json!({"account": 7, "page": 2}));
        assert_eq!(key(&a, &unique, 0), key(&b, &unique, 59));
        assert_ne!(key(&a, &unique, 0), key(&a, &unique, 60));
    }

    #[test]
    fn a_slot_ends_where_the_next_begins() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let hour = Unique {
            period: Some(Duration::from_secs(3600)),
            release: Release::Period,
            ..Unique::default()
        };
        for (now, end) in [(0, 3600), (3599, 3600), (3600, 7200)] {
            assert_eq!(hour.taken_until(at(now)), Some(at(end)));
        }
        assert_eq!(Unique { release: Release::End, ..hour.clone() }.taken_until(at(0)), None);
        assert_eq!(Unique { period: None, ..hour }.taken_until(at(0)), None);
        let forever = Some(Duration::from_secs(u64::MAX));
        let forever = Unique { period: forever, release: Release::Period, ..Unique::default() };
        assert!(forever.taken_until(at(0)) > Some(at(i64::from(u32::MAX))));
    }

    #[test]
    fn an_own_key_is_another_in_another_slot() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let minute = Unique { period: Some(Duration::from_secs(60)), ..Unique::default() };
        assert_eq!(own_key("a.b", "k", &Unique::default(), at(0)), "a.b:k");
        assert_eq!(own_key("a.b", "k", &minute, at(0)), own_key("a.b", "k", &minute, at(59)));
        assert_ne!(own_key("a.b", "k", &minute, at(0)), own_key("a.b", "k", &minute, at(60)));
    }
}
