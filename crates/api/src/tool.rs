//! Tools as they are listed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One tool (`GET /api/tools/{name}`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// The wire name: `{provider}_{tool}`.
    pub name: String,
    /// The provider's mounted name.
    pub provider: String,
    /// A short name for people.
    pub title: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments.
    pub input_schema: Value,
    /// JSON Schema 2020-12 of the result.
    pub output_schema: Value,
    /// What a caller may assume about it.
    pub annotations: Annotations,
}

/// What a caller may assume about a tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Annotations {
    /// It changes nothing.
    pub read_only: bool,
    /// It may delete or overwrite.
    pub destructive: bool,
    /// Calling it twice is like calling it once.
    pub idempotent: bool,
    /// All its effects are in one database transaction.
    pub transactional: bool,
    /// Milliseconds after which a call is cut.
    pub timeout_ms: u64,
    /// The scope a caller needs besides `tools:call`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Other names that reach the same tool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// `?format=`: in which shape tools are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// [`Tool`].
    #[default]
    Full,
    /// `tools` of OpenAI's chat completions.
    OpenAi,
    /// `tools` of Anthropic's messages.
    Anthropic,
    /// `tools` of MCP's `tools/list`.
    Mcp,
}

/// `?detail=`: how much of each tool is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// The names alone.
    Names,
    /// Name and description.
    Short,
    /// Everything.
    #[default]
    Full,
}
