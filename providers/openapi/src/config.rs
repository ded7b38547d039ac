//! What the operator sets.

use std::collections::BTreeMap;
use std::time::Duration;

use mindflight_core::{Error, Result};

/// A result has at most 1 MiB.
const LARGEST_RESPONSE: usize = 768 * 1024;

/// Its settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The OpenAPI 3.0 or 3.1 document, JSON or YAML: a URL that is fetched at start, or the path of a file.
    pub(crate) document: String,
    /// Where the API is; unset: the first of the document's `servers`.
    #[serde(default)]
    pub(crate) base_url: Option<String>,
    /// Operations that become tools: an `operationId`, `METHOD /path` or `tag:name`, each with `*` for any text; none listed: all.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// Operations that do not, written the same way.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// How requests prove who they are from.
    #[serde(default)]
    pub(crate) auth: Auth,
    /// Headers of every request.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pub(crate) headers: BTreeMap<String, String>,
    /// Seconds that a call may take.
    #[serde(default = "default_timeout")]
    pub(crate) timeout_seconds: u64,
    /// Bytes of an answer; a larger one is an error.
    #[serde(default = "default_max_response")]
    pub(crate) max_response_bytes: usize,
    /// Names of tools, by `operationId`, instead of those made from it.
    #[serde(default)]
    pub(crate) names: BTreeMap<String, String>,
}

/// How requests prove who they are from; what is set is sent.
#[derive(Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// Sent as `Authorization: Bearer …`.
    #[serde(skip_serializing)]
    #[schemars(extend("writeOnly" = true))]
    pub(crate) bearer_token: Option<String>,
    /// A key in a header.
    #[serde(skip_serializing)]
    pub(crate) header: Option<Named>,
    /// A key in the query.
    #[serde(skip_serializing)]
    pub(crate) query: Option<Named>,
    /// A user and a password, sent as `Authorization: Basic …`.
    #[serde(skip_serializing)]
    pub(crate) basic: Option<Basic>,
}

/// A secret under a name.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The name of the header or parameter.
    pub(crate) name: String,
    /// Its value.
    #[schemars(extend("writeOnly" = true))]
    pub(crate) secret: String,
}

/// A user and a password.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Basic {
    /// The user's name.
    pub(crate) username: String,
    /// The password.
    #[schemars(extend("writeOnly" = true))]
    pub(crate) password: String,
}

const fn default_timeout() -> u64 {
    30
}

const fn default_max_response() -> usize {
    512 * 1024
}

/// The limits of one call.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) max_response: usize,
}

impl Limits {
    pub(crate) fn check(config: &Config) -> Result<Self> {
        if !(1..=600).contains(&config.timeout_seconds) {
            return Err(Error::failed("`timeout_seconds` must be between 1 and 600"));
        }
        if !(1..=LARGEST_RESPONSE).contains(&config.max_response_bytes) {
            let detail = format!("`max_response_bytes` must be between 1 and {LARGEST_RESPONSE}");
            return Err(Error::failed(detail));
        }
        let timeout = Duration::from_secs(config.timeout_seconds);
        Ok(Self { timeout, max_response: config.max_response_bytes })
    }
}
