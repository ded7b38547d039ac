//! Credentials: put into every request, and taken out of everything that is shown.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use mindflight_core::api::{Code, codes};
use mindflight_core::{Error, Result};

use crate::config::Auth;
use crate::encode;

/// A shorter secret would be found in innocent texts.
const SHORTEST: usize = 6;

/// What stands where a secret stood.
const REDACTED: &str = "[redacted]";

/// What every request carries.
pub(crate) struct Credentials {
    pub(crate) headers: HeaderMap,
    query: Option<(String, String)>,
    /// The secrets, in every spelling that they are sent in.
    secrets: Vec<String>,
}

impl Credentials {
    pub(crate) fn read(auth: &Auth, headers: &BTreeMap<String, String>) -> Result<Self> {
        let mut all = Self { headers: HeaderMap::new(), query: None, secrets: Vec::new() };
        for (name, value) in headers {
            all.header(&format!("headers.{name}"), name, value)?;
        }
        if let Some(token) = &auth.bearer_token {
            all.secret("auth.bearer_token", token)?;
            let value = format!("Bearer {token}");
            all.header("auth.bearer_token", header::AUTHORIZATION.as_str(), &value)?;
        }
        if let Some(basic) = &auth.basic {
            if auth.bearer_token.is_some() {
                let detail = "`auth.basic` and `auth.bearer_token` both want `Authorization`; set one of them";
                return Err(Error::failed(detail));
            }
            if basic.username.contains(':') {
                return Err(Error::failed("`auth.basic.username` must not have a colon"));
            }
            all.secret("auth.basic.password", &basic.password)?;
            let pair = STANDARD.encode(format!("{}:{}", basic.username, basic.password));
            let value = format!("Basic {pair}");
            all.secrets.push(pair);
            all.header("auth.basic", header::AUTHORIZATION.as_str(), &value)?;
        }
        if let Some(named) = &auth.header {
            all.secret("auth.header.secret", &named.secret)?;
            all.header("auth.header", &named.name, &named.secret)?;
        }
        if let Some(named) = &auth.query {
            all.secret("auth.query.secret", &named.secret)?;
            all.query = Some((named.name.clone(), named.secret.clone()));
        }
        // The longest first, so that no part of one remains.
        all.secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Ok(all)
    }

    /// Whether the operator sends this header, so that callers need not.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// Whether the operator sends this parameter of the query.
    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.query.as_ref().is_some_and(|(own, _)| own == name)
    }

    /// The part of the query that is the operator's.
    pub(crate) fn query(&self) -> Option<String> {
        let (name, secret) = self.query.as_ref()?;
        Some(format!("{}={}", encode::text(name), encode::text(secret)))
    }

    /// The text without secrets: a service may repeat what was sent to it.
    pub(crate) fn redact(&self, text: &str) -> Option<String> {
        let found = self.secrets.iter().any(|secret| text.contains(secret.as_str()));
        found.then(|| {
            let mut text = text.to_owned();
            for secret in &self.secrets {
                text = text.replace(secret.as_str(), REDACTED);
            }
            text
        })
    }

    /// The error without secrets: one about a request may name its whole URL.
    pub(crate) fn redact_error(&self, error: Error) -> Error {
        let Some(detail) = self.redact(error.detail()) else {
            return error;
        };
        let code = Code::find(error.name()).copied().unwrap_or(codes::UPSTREAM);
        let clean = Error::of(code, detail);
        match error.retry_after() {
            Some(wait) => clean.wait(wait),
            None => clean,
        }
    }

    fn secret(&mut self, setting: &str, secret: &str) -> Result<()> {
        if secret.is_empty() {
            return Err(Error::failed(format!("`{setting}` is empty; leave it out or set it")));
        }
        if secret.len() >= SHORTEST {
            self.secrets.push(secret.to_owned());
            let encoded = encode::text(secret);
            // JSON writes some characters another way.
            let quoted = serde_json::Value::from(secret).to_string();
            for spelling in [encoded, quoted.trim_matches('"').to_owned()] {
                if spelling != secret {
                    self.secrets.push(spelling);
                }
            }
        }
        Ok(())
    }

    /// A mistake names the setting, never the value.
    fn header(&mut self, setting: &str, name: &str, value: &str) -> Result<()> {
        let wrong = |what: &str| Error::failed(format!("`{setting}` {what}"));
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| wrong("has a name that no header can have"))?;
        if is_reserved(&name) {
            return Err(wrong("names a header that the server sets; leave it out"));
        }
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| wrong("has a value that cannot stand in a header; use visible ASCII"))?;
        value.set_sensitive(true);
        match self.headers.insert(name, value) {
            None => Ok(()),
            Some(_) => Err(wrong("sets a header that another setting sets, too")),
        }
    }
}

/// Headers of the connection and of the message itself.
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    let reserved = [
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    reserved.contains(&name.as_str()) || name.as_str().starts_with("proxy-")
}
