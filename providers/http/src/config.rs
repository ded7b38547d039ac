//! What the operator sets, checked once.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use mindflight_core::{Error, Result};

use crate::headers;
use crate::hosts::Hosts;

/// A result has at most 1 MiB, and its headers and the JSON around the body need some of it.
const LARGEST_BODY: usize = 768 * 1024;

/// Its settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Methods that callers may use.
    pub(crate) methods: Vec<Method>,
    /// Hosts that the tool may reach, such as `api.example.com` or `*.example.com`; none listed: every host that the server lets providers reach.
    pub(crate) hosts: Vec<String>,
    /// Headers of every request; a header of the caller with the same name goes before. Credentials need `hosts`.
    #[schemars(extend("writeOnly" = true))]
    pub(crate) default_headers: BTreeMap<String, String>,
    /// Seconds that a fetch may take, with its redirects; callers may ask for less.
    pub(crate) timeout_seconds: u64,
    /// Redirects that are followed; a further one is the result itself.
    pub(crate) max_redirects: u8,
    /// Bytes of a body that a result has at most; callers may ask for less. The rest is cut off.
    pub(crate) max_body_bytes: usize,
    /// Bytes that are read at most; a larger answer is an error.
    pub(crate) max_download_bytes: usize,
    /// Answers to GET that are kept and served again as long as HTTP's rules allow.
    pub(crate) cache: CacheConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            methods: vec![Method::Get, Method::Head, Method::Post],
            hosts: Vec::new(),
            default_headers: BTreeMap::new(),
            timeout_seconds: 20,
            max_redirects: 5,
            max_body_bytes: 256 * 1024,
            max_download_bytes: 4 * 1024 * 1024,
            cache: CacheConfig::default(),
        }
    }
}

/// Bounds of the cache.
#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CacheConfig {
    /// Answers that are kept at most; 0 switches the cache off.
    pub(crate) max_entries: usize,
    /// Bytes that they take at most.
    pub(crate) max_bytes: usize,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { max_entries: 256, max_bytes: 16 * 1024 * 1024 }
    }
}

/// A method of HTTP.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    pub(crate) const fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Options)
    }

    pub(crate) const fn may_destroy(self) -> bool {
        matches!(self, Self::Put | Self::Patch | Self::Delete)
    }

    pub(crate) fn name(self) -> http::Method {
        match self {
            Self::Get => http::Method::GET,
            Self::Head => http::Method::HEAD,
            Self::Post => http::Method::POST,
            Self::Put => http::Method::PUT,
            Self::Patch => http::Method::PATCH,
            Self::Delete => http::Method::DELETE,
            Self::Options => http::Method::OPTIONS,
        }
    }
}

/// The settings, in the form that a fetch needs.
pub(crate) struct Settings {
    pub(crate) methods: Vec<Method>,
    pub(crate) hosts: Hosts,
    pub(crate) default_headers: HeaderMap,
    pub(crate) timeout: Duration,
    pub(crate) max_redirects: u8,
    pub(crate) max_body: usize,
    pub(crate) max_download: usize,
}

impl Settings {
    /// Refuses what would not work or would not be safe, naming the setting.
    pub(crate) fn check(config: Config) -> Result<Self> {
        let refused = |detail: String| Err(Error::failed(detail));
        if config.methods.is_empty() {
            return refused("`methods` is empty; name one at least, such as GET".to_owned());
        }
        if !(1..=600).contains(&config.timeout_seconds) {
            return refused("`timeout_seconds` must be between 1 and 600".to_owned());
        }
        if !(1..=LARGEST_BODY).contains(&config.max_body_bytes) {
            return refused(format!("`max_body_bytes` must be between 1 and {LARGEST_BODY}"));
        }
        if config.max_download_bytes < config.max_body_bytes {
            return refused("`max_download_bytes` is less than `max_body_bytes`".to_owned());
        }
        let hosts = Hosts::read(&config.hosts)?;
        let default_headers = default_headers(&config.default_headers)?;
        let secret = default_headers.keys().find(|name| headers::may_be_secret(name));
        if let Some(name) = secret.filter(|_| hosts.is_empty()) {
            // A caller chooses the URL, and so who would read the header.
            return refused(format!(
                "`default_headers` has `{name}`, which may be a credential, and without `hosts` every host that a caller names would get it; list the `hosts` it is for"
            ));
        }
        Ok(Self {
            methods: config.methods,
            hosts,
            default_headers,
            timeout: Duration::from_secs(config.timeout_seconds),
            max_redirects: config.max_redirects,
            max_body: config.max_body_bytes,
            max_download: config.max_download_bytes,
        })
    }
}

/// Never says a value: it may be a secret.
fn default_headers(given: &BTreeMap<String, String>) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in given {
        let wrong = |what: &str| Error::failed(format!("`default_headers.{name}` {what}"));
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("is no name of a header"))?;
        if headers::is_reserved(&parsed) {
            return Err(wrong("is set by the server; leave it out"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| wrong("has a value that cannot stand in a header; use visible ASCII"))?;
        value.set_sensitive(true);
        map.insert(parsed, value);
    }
    Ok(map)
}
