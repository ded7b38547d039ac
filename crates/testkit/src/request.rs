//! A request to a route, being written.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use mindflight_core::{Caller, Error, Provider};
use serde::Serialize;

use crate::answer::Answer;
use crate::{Kit, facts};

/// A request to a route, being written. It has credentials with every right unless told otherwise.
#[must_use = "nothing is sent before `.send()`"]
pub struct RequestBuilder<'kit, P> {
    kit: &'kit Kit<P>,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    caller: Option<Caller>,
}

impl<'kit, P: Provider> RequestBuilder<'kit, P> {
    pub(crate) fn new(kit: &'kit Kit<P>, method: Method, path: &str) -> Self {
        Self {
            kit,
            method,
            path: rooted(path),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            caller: Some(facts::caller(&["admin"])),
        }
    }

    /// A header.
    ///
    /// # Panics
    /// If name or value cannot stand in a request.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = parsed(name, value);
        self.headers.append(name, value);
        self
    }

    /// A body of bytes or text.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A body of JSON, with its content type.
    ///
    /// # Panics
    /// If `body` cannot be written as JSON.
    #[track_caller]
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = json(body);
        self.header(header::CONTENT_TYPE.as_str(), "application/json")
    }

    /// The caller has these scopes and no other.
    ///
    /// # Panics
    /// If a scope is none.
    #[track_caller]
    pub fn scopes(mut self, scopes: &[&str]) -> Self {
        self.caller = Some(facts::caller(scopes));
        self
    }

    /// The caller has no credentials.
    pub fn without_credentials(mut self) -> Self {
        self.caller = None;
        self
    }

    /// Sends it.
    pub async fn send(self) -> Answer {
        match request(self.method, &self.path, self.headers, self.body) {
            Ok(request) => self.kit.send(request, "providers", self.caller).await,
            Err(error) => Answer::refused(error),
        }
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    *request.uri_mut() =
        path.parse().map_err(|error| Error::invalid(format!("`{path}` is no path: {error}")))?;
    Ok(request)
}

/// A path may be given with or without its first `/`.
pub(crate) fn rooted(path: &str) -> String {
    format!("/{}", path.trim_start_matches('/'))
}

#[track_caller]
pub(crate) fn parsed(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    match (name.parse(), value.parse()) {
        (Ok(name), Ok(value)) => (name, value),
        (Err(_), _) | (_, Err(_)) => panic!("`{name}: {value}` is no header"),
    }
}

#[track_caller]
pub(crate) fn json(body: &impl Serialize) -> Bytes {
    match serde_json::to_vec(body) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("the body cannot be written as JSON: {error}"),
    }
}
