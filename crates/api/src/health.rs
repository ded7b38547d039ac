//! Health answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How well it goes, best first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// All is well.
    Healthy,
    /// It serves, but something needs attention.
    Degraded,
    /// It cannot serve.
    Unhealthy,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// How well it goes.
    pub status: Status,
    /// Milliseconds the last check took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<f64>,
    /// What is wrong, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// `GET /health`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The worst that counts: only the database makes it unhealthy.
    pub status: Status,
    /// Milliseconds since 1970 (UTC).
    pub timestamp: i64,
    /// The server's version.
    pub version: String,
    /// Every check, by name.
    pub checks: BTreeMap<String, Check>,
}
