//! One request to the outside, and the one that a redirect asks for after it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use mindflight_core::{Error, Result};
use url::Url;

use crate::cache::Answer;
use crate::headers;

/// What headers of a caller must not follow to another origin.
const OF_THE_BODY: [header::HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::CONTENT_LOCATION,
];

/// One request to the outside.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// The caller's.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Outgoing {
    /// The request with the operator's headers where the caller sent no such header.
    pub(crate) fn request(&self, defaults: &HeaderMap) -> Result<Request<Bytes>> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self
            .url
            .as_str()
            .parse()
            .map_err(|error| wrong_url(&format!("cannot be sent: {error}")))?;
        let mut all = defaults.clone();
        for (name, value) in &self.headers {
            all.insert(name.clone(), value.clone());
        }
        *request.headers_mut() = all;
        Ok(request)
    }

    /// Whether its answer may be given to every caller: a GET in which the caller sent no credentials.
    pub(crate) fn is_for_everybody(&self) -> bool {
        self.method == Method::GET
            && self.body.is_empty()
            && !self.headers.keys().any(headers::may_be_secret)
    }

    /// The request that the answer redirects to (RFC 9110 §15.4), if it does.
    pub(crate) fn redirected(&self, answer: &Answer) -> Option<Self> {
        let mut next = self.clone();
        match answer.status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if self.method != Method::POST => {}
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
            StatusCode::SEE_OTHER if self.method == Method::HEAD => {}
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                next.method = Method::GET;
                next.body = Bytes::new();
                OF_THE_BODY.iter().for_each(|name| drop(next.headers.remove(name)));
            }
            _ => return None,
        }
        let location = answer.headers.get(header::LOCATION)?;
        next.url = self.url.join(std::str::from_utf8(location.as_bytes()).ok()?).ok()?;
        next.url.set_fragment(None);
        let downgraded = self.url.scheme() == "https" && next.url.scheme() != "https";
        if !is_web(&next.url) || has_credentials(&next.url) || downgraded {
            return None;
        }
        if next.url.origin() != self.url.origin() {
            // What was meant for the first origin must not reach another.
            let names: Vec<_> = next.headers.keys().cloned().collect();
            for name in names.iter().filter(|name| headers::may_be_secret(name)) {
                if !OF_THE_BODY.contains(name) {
                    next.headers.remove(name);
                }
            }
        }
        Some(next)
    }
}

/// Reads the URL of a caller.
pub(crate) fn url(text: &str) -> Result<Url> {
    let mut url = Url::parse(text).map_err(|error| wrong_url(&format!("is no URL: {error}")))?;
    if !is_web(&url) {
        let detail = format!("has the scheme `{}`; http and https are allowed", url.scheme());
        return Err(wrong_url(&detail));
    }
    if has_credentials(&url) {
        return Err(wrong_url("has a user or password before the host")
            .fix("Send an `authorization` header instead."));
    }
    url.set_fragment(None);
    Ok(url)
}

fn wrong_url(what: &str) -> Error {
    let detail = format!("`url` {what}");
    Error::invalid(detail.clone()).field("/url", detail, Vec::new())
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// The body of a request, and the content type that goes with it unless the caller named one.
pub(crate) fn body(
    text: Option<String>,
    json: Option<serde_json::Value>,
    headers: &mut HeaderMap,
) -> Result<Bytes> {
    let (body, media_type) = match (text, json) {
        (Some(_), Some(_)) => {
            let detail = "`body` and `json` are both there; send one of them";
            return Err(Error::invalid(detail)
                .field("/json", detail, Vec::new())
                .fix("Send `json` for JSON, `body` for any other text."));
        }
        (Some(text), None) => (Bytes::from(text), "text/plain; charset=utf-8"),
        (None, Some(json)) => (Bytes::from(json.to_string()), "application/json"),
        (None, None) => return Ok(Bytes::new()),
    };
    let media_type = HeaderValue::from_static(media_type);
    headers.entry(header::CONTENT_TYPE).or_insert(media_type);
    Ok(body)
}

/// The answer that came back, as it is kept.
pub(crate) fn answer(response: Response<Bytes>, at: chrono::DateTime<chrono::Utc>) -> Answer {
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body, at }
}
