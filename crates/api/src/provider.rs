//! Providers as they are listed, also those that are off.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a provider serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Built and serving.
    On,
    /// Switched off, by configuration or by an operator, or not configured.
    Off,
    /// Wanted, but it could not be built.
    Failed,
    /// Configured, but not linked into this binary.
    Missing,
}

/// One provider (`GET /api/providers`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Provider {
    /// The mounted name: tool prefix and URL segment.
    pub name: String,
    /// The id of the linked type.
    pub provider: String,
    /// Whether it serves.
    pub state: State,
    /// Why it does not, and what to do about it.
    pub reason: Option<String>,
    /// Wire names of its tools.
    pub tools: Vec<String>,
    /// `METHOD /path` of its routes.
    pub routes: Vec<String>,
    /// Kinds of its jobs.
    pub jobs: Vec<String>,
    /// Event patterns it listens to.
    pub subscriptions: Vec<String>,
    /// The last failure of its health check.
    pub health: Option<String>,
}
