//! The problem object of RFC 9457, with the members that tell a caller what to do next.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The media type of every error body (RFC 9457 §3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Where the codes are explained; `type` is this and the code.
pub const TYPE_BASE: &str = "https://mindflight.dev/errors/";

/// Who has to act before the request can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fault {
    /// Whoever sent the request.
    Caller,
    /// Whoever runs the server.
    Operator,
    /// An outside service that a tool depends on.
    Upstream,
    /// The author of the provider.
    Provider,
    /// mindflight itself.
    Server,
}

/// Whether sending again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Never.
    No,
    /// Once the request is corrected.
    AfterFix,
    /// The same request may succeed at any time.
    Same,
    /// The same request may succeed after `retry_after_ms`.
    After,
}

/// One thing that is wrong with one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// JSON Pointer (RFC 6901) into the body; empty for the body as a whole.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
    /// The allowed values or names, where they are few.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Value>,
}

/// What every error answer carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// URI of the page that explains the code.
    pub r#type: String,
    /// The same for every problem with this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This case, in one or two sentences a model can act on.
    pub detail: String,
    /// URI of this occurrence: the request.
    pub instance: String,
    /// What clients match on.
    pub code: String,
    /// Who has to act.
    pub fault: Fault,
    /// Whether sending again can help.
    pub retry: Retry,
    /// Milliseconds to wait, when `retry` is `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The next step, when there is one to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The request's id, as in `X-Request-Id` and in the log.
    pub request_id: String,
    /// The fields that are wrong, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}
