//! The audit log: who did what, from where, in which request.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AuditId, KeyId, RequestId, UserId};

/// One row (`GET /api/audit`).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The row's id.
    pub id: AuditId,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was done: `tool.call`, `key.create`, …
    pub action: String,
    /// What it was done to: a tool's name, a key's id, …
    pub target: String,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// The user, also the one who made the key.
    pub user_id: Option<UserId>,
    /// The key, if one was used.
    pub key_id: Option<KeyId>,
    /// Address of the caller.
    pub ip: Option<String>,
    /// The request.
    pub request_id: Option<RequestId>,
    /// Further facts; never arguments, results or secrets.
    pub detail: Value,
}
