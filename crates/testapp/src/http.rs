//! Requests to a server under test, and answers with what tests ask of them.

use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::Value;

/// A request being made.
pub struct Call {
    request: reqwest::RequestBuilder,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
}

impl Call {
    pub(crate) fn new(http: &reqwest::Client, method: &str, url: &str) -> Self {
        let method = method.parse().unwrap_or_else(|error| panic!("`{method}`: {error}"));
        Self { request: http.request(method, url) }
    }

    /// With this key instead of the instance's.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        let value = format!("Bearer {key}").parse();
        let value = value.unwrap_or_else(|error| panic!("`{key}` is no header: {error}"));
        // `headers` replaces, `header` would add a second one.
        Self { request: self.request.headers(HeaderMap::from_iter([(AUTHORIZATION, value)])) }
    }

    /// With a header.
    #[must_use]
    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value) }
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        Self { request: self.request.json(body) }
    }

    /// With these bytes as a body, said to be JSON.
    #[must_use]
    pub fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        let request = self.request.header("content-type", "application/json");
        Self { request: request.body(body.into()) }
    }

    /// Sends it.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(self) -> Answer {
        self.try_send().await.unwrap_or_else(|error| panic!("no answer: {error:?}"))
    }

    /// Sends it.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, body, text })
    }
}

impl Answer {
    /// The body, after checking that this is a success.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.text);
        self.body
    }

    /// A header's text; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The detail of the problem object, after checking its form, status and code.
    ///
    /// # Panics
    /// When it is another answer, or a member is missing.
    #[track_caller]
    #[must_use]
    pub fn problem(&self, status: u16, code: &str) -> &str {
        assert_eq!(
            (self.status, self.body["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.text
        );
        assert_eq!(self.header("content-type"), "application/problem+json");
        for member in ["type", "title", "status", "detail", "code", "fault", "retry", "request_id"]
        {
            assert!(!self.body[member].is_null(), "no `{member}` in {}", self.text);
        }
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        self.body["detail"].as_str().unwrap_or_default()
    }
}
