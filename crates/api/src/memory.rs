//! Memory: the caller's keys and values.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `POST /api/memory` and `POST /api/memory/set`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// 1–512 characters.
    pub key: String,
    /// Any JSON, at most 256 KiB.
    pub value: Value,
    /// Seconds until the key is forgotten; never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// Write only if the stored version is this one; 0: only if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
}

/// `PUT /api/memory/{key}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// Any JSON, at most 256 KiB.
    pub value: Value,
    /// Seconds until the key is forgotten; never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
    /// Write only if the stored version is this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_version: Option<u64>,
}

/// What a write did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The value is stored under the key.
    Stored,
    /// The key had a value before.
    Updated,
    /// The key is gone.
    Deleted,
}

/// Answer of a write.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Written {
    /// What happened.
    pub status: Status,
    /// The version now stored; absent after a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What the key held before an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_value: Option<Value>,
}

/// One key and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value, exactly as stored.
    pub value: Value,
    /// Counts the writes of this key, from 1.
    pub version: u64,
    /// When the key was first written.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// When it is forgotten.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key in the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KeyInfo {
    /// The key.
    pub key: String,
    /// When the key was first written.
    pub created_at: DateTime<Utc>,
}

/// `GET /api/memory`: SLOP's `keys`, paged as every list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    /// The keys, in order of their bytes.
    pub keys: Vec<KeyInfo>,
    /// Send as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
}
