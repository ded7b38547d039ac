//! Events: what happened, once for everyone, in one order.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::JobId;

/// The version of `CloudEvents` that envelopes follow.
pub const SPEC_VERSION: &str = "1.0";

/// The source of events that the server itself publishes.
pub const SERVER: &str = "mindflight";

/// The source of events that arrive over HTTP.
pub const HTTP: &str = "api";

/// A job has succeeded.
pub const JOB_SUCCEEDED: &str = "mindflight.job.succeeded";

/// A job has failed: out of attempts, or not to be retried.
pub const JOB_FAILED: &str = "mindflight.job.failed";

/// A job was cancelled.
pub const JOB_CANCELLED: &str = "mindflight.job.cancelled";

/// A job runs longer than `jobs.long_after`; once for each attempt.
pub const JOB_LONG_RUNNING: &str = "mindflight.job.long_running";

/// The last word of the type of a job's event: what has become of the job.
#[must_use]
pub fn state_of(r#type: &str) -> &str {
    r#type.rsplit('.').next().unwrap_or_default()
}

/// An event as everybody sees it: [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md)
/// as JSON, with the extensions `sequence`, `correlationid`, `depth`, `key` and `traceparent`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// `1.0`.
    pub specversion: String,
    /// The publisher's id of it; unique for its source.
    pub id: String,
    /// Who published it: a provider's name, `api`, or `mindflight`.
    pub source: String,
    /// Lower-case dotted type, such as `mail.received`.
    pub r#type: String,
    /// When it was published.
    pub time: DateTime<Utc>,
    /// Its position in the log, from 1 and without gaps.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    pub sequence: u64,
    /// Shared by all events and jobs of one chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlationid: Option<String>,
    /// How many events caused one another before it; 16 is the end.
    pub depth: u32,
    /// What it belongs to: the publisher's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The trace that it is part of ([W3C Trace Context](https://www.w3.org/TR/trace-context/)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// What happened.
    pub data: Value,
}

mod decimal {
    use super::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &u64, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The data of `mindflight.job.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobEvent {
    /// The job.
    pub job: JobId,
    /// Its kind, `{provider}.{kind}`, or a tool's name.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// The newest attempt's number.
    pub attempt: u32,
    /// The code of its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A place in the log: `<epoch>-<position>`. Positions of another epoch mean nothing: the history went back, as
/// after a restore.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which history.
    pub epoch: String,
    /// Positions up to here are passed; 0 is before the first.
    pub position: u64,
}

/// A text that is no place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPlace;

impl fmt::Display for InvalidPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place in the log is the `id` of an event of a stream, such as 3f9a1c2e-42")
    }
}

impl std::error::Error for InvalidPlace {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.position)
    }
}

impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (epoch, position) = text.rsplit_once('-').ok_or(InvalidPlace)?;
        let is_epoch = (1..=32).contains(&epoch.len())
            && epoch.bytes().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
        // A sign would be read, too.
        let is_position = !position.is_empty() && position.bytes().all(|c| c.is_ascii_digit());
        let position = position.parse().ok().filter(|_| is_epoch && is_position);
        position.map(|position| Self { epoch: epoch.to_owned(), position }).ok_or(InvalidPlace)
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-z]{1,32}-[0-9]+$", "examples": ["3f9a1c2e-42"] })
    }
}

/// An event to publish (`POST /api/events`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Lower-case dotted type, such as `mail.received`; `mindflight.*` is the server's.
    #[schemars(length(min = 1, max = 150))]
    pub r#type: String,
    /// What happened; at most 256 KiB as JSON. `payload` is another name for it.
    #[serde(default, alias = "payload")]
    pub data: Value,
    /// What it belongs to: a word of yours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub key: Option<String>,
    /// Your id of it: the same again within 24 hours is the same event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub id: Option<String>,
}

/// What became of an event that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Published {
    /// Its id: yours, or one that was made.
    pub id: String,
    /// Its position, if it was waited for (`?wait=1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// What became of events that were published together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishedAll {
    /// In the order in which they were sent.
    pub items: Vec<Published>,
}

/// Why a reader cannot go on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResetReason {
    /// What comes next was dropped, because it was too old.
    Retention,
    /// The log has another history now, as after a restore.
    Epoch,
}

/// Tells a reader that it has missed events: it has to look at the state of things anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// Before the oldest event that is still there.
    pub oldest: Place,
    /// The newest event.
    pub head: Place,
}

/// Events that were found (`GET /api/events`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<Envelope>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
    /// The newest event of the log.
    pub head: Place,
    /// Set when what was asked for begins before the oldest event that is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written_and_nothing_else_is() {
        let place = Place { epoch: "3f9a1c2e".to_owned(), position: 42 };
        assert_eq!(place.to_string(), "3f9a1c2e-42");
        assert_eq!("3f9a1c2e-42".parse(), Ok(place));
        for text in [
            "",
            "42",
            "-42",
            "3f9a1c2e-",
            "3f9a1c2e-+4",
            "3f9a1c2e--4",
            "X-1",
            "a-1844674407370955161600",
        ] {
            assert_eq!(text.parse::<Place>(), Err(InvalidPlace), "{text:?}");
        }
    }

    #[test]
    fn an_envelope_has_the_names_of_cloudevents() {
        let text = r#"{"specversion":"1.0","id":"a","source":"api","type":"demo.ping","time":"2026-11-21T12:00:00Z","sequence":"7","depth":0,"data":{"z":1,"a":2}}"#;
        let envelope: Envelope = serde_json::from_str(text).unwrap();
        assert_eq!(envelope.sequence, 7);
        assert_eq!(serde_json::to_string(&envelope).unwrap(), text);
    }
}
