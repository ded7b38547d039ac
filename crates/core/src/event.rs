//! An event as a subscription receives it.

use chrono::{DateTime, Utc};
use mindflight_api::event::Envelope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event with its data read into `T`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Event<T = Value> {
    /// The publisher's id of it.
    pub id: String,
    /// What it belongs to: whatever its publisher said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Lower-case dotted type, such as `mail.received`.
    pub r#type: String,
    /// Who published it: a provider's name, or `api`.
    pub source: String,
    /// When it was published.
    pub time: DateTime<Utc>,
    /// Its position in the log.
    pub sequence: u64,
    /// How many events caused one another before it; 16 is the end.
    pub depth: u32,
    /// Shared by all events and jobs of one chain.
    pub correlation_id: Option<String>,
    /// What happened.
    pub data: T,
}

/// Why something happens: what an event that it publishes, or a job that it makes, carries on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// How many events caused one another up to here.
    pub depth: u32,
    /// Shared by all events and jobs of one chain.
    pub correlation_id: String,
}

/// The depth at which a chain of events ends: what would be deeper is refused.
pub const DEEPEST: u32 = 16;

impl<T> Event<T> {
    /// What is caused by this event.
    #[must_use]
    pub fn cause(&self) -> Cause {
        // The first of a chain names it.
        let correlation_id = self.correlation_id.clone().unwrap_or_else(|| self.id.clone());
        Cause { depth: self.depth, correlation_id }
    }
}

impl From<Envelope> for Event {
    fn from(envelope: Envelope) -> Self {
        Self {
            id: envelope.id,
            key: envelope.key,
            r#type: envelope.r#type,
            source: envelope.source,
            time: envelope.time,
            sequence: envelope.sequence,
            depth: envelope.depth,
            correlation_id: envelope.correlationid,
            data: envelope.data,
        }
    }
}

impl Event {
    /// An event of `data`, for publishers and tests; the log fills in the rest.
    #[must_use]
    pub fn new(r#type: impl Into<String>, data: Value, time: DateTime<Utc>) -> Self {
        let (id, source) = (String::new(), String::new());
        Self {
            id,
            key: None,
            r#type: r#type.into(),
            source,
            time,
            sequence: 0,
            depth: 0,
            correlation_id: None,
            data,
        }
    }

    /// The same event with its data read into `T`.
    ///
    /// # Errors
    /// When the data does not fit `T`.
    pub fn read<T: serde::de::DeserializeOwned>(self) -> serde_json::Result<Event<T>> {
        let Self { id, key, r#type, source, time, sequence, depth, correlation_id, data } = self;
        let data = serde_json::from_value(data)?;
        Ok(Event { id, key, r#type, source, time, sequence, depth, correlation_id, data })
    }
}
