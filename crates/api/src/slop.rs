//! SLOP's own shapes (Simple Language Open Protocol), where they differ from REST's.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET /tools`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tools {
    /// The tools the caller may call.
    pub tools: Vec<Tool>,
}

/// `GET /tools/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// The wire name.
    pub id: String,
    /// What it does.
    pub description: String,
    /// The arguments by name.
    pub parameters: BTreeMap<String, Parameter>,
    /// Whether it only reads.
    pub is_safe: bool,
}

/// One argument of a tool.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Parameter {
    /// JSON type.
    pub r#type: String,
    /// What it means.
    pub description: String,
    /// Whether it must be sent.
    pub required: bool,
}

/// `POST /tools/{id}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The tool's own result.
    pub result: Value,
}

/// `GET /info`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Info {
    /// `mindflight`.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// What it is.
    pub description: String,
    /// What it answers, one entry a path and method.
    pub endpoints: Vec<Endpoint>,
    /// What it can and cannot do.
    pub capabilities: Capabilities,
}

/// One path and method; `method` and `methods` say the same in SLOP's two dialects.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Endpoint {
    /// The path, with parameters in braces.
    pub path: String,
    /// The method.
    pub method: String,
    /// The method, as a list.
    pub methods: Vec<String>,
    /// What it does.
    pub description: String,
}

/// What the SLOP face can and cannot do.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Capabilities {
    /// Server-sent events under `/stream`.
    pub streaming: bool,
    /// Web sockets under `/ws`.
    pub websockets: bool,
    /// Models for `/chat`.
    pub models: Vec<String>,
}
