//! What handlers read from a request: its facts, its caller, its body, its query, its ids.

use std::str::FromStr;
use std::sync::Arc;

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use bytes::Bytes;
use mindflight_api::{InvalidId, codes, page};
use mindflight_calls::{CallRequest, nearest};
use mindflight_core::caller::Origin;
use mindflight_core::progress::Unwatched;
use mindflight_core::{Caller, Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refusal::Refusal;

/// Which request it is and who sent it; put there by the front and the gate before a handler runs.
#[derive(Debug, Clone)]
pub(crate) struct Requester {
    pub(crate) caller: Caller,
    pub(crate) origin: Origin,
}

impl Requester {
    /// A tool call by this requester.
    pub(crate) fn into_call(self, tool: String, arguments: Value) -> CallRequest {
        let Self { caller, origin } = self;
        let (idempotency_key, report) = (None, Arc::new(Unwatched));
        CallRequest { tool, arguments, caller, origin, idempotency_key, report, lease: None }
    }
}

impl FromRequest for Requester {
    type Error = Refusal;
    type Future = std::future::Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = request.extensions().get::<Self>().cloned();
        // Only an operation that is not in the table could get here without one.
        std::future::ready(found.ok_or_else(|| Refusal(Error::internal("no requester"))))
    }
}

/// Which request it is and where it came from; the front put it there.
pub(crate) fn origin(request: &HttpRequest) -> Result<Origin> {
    let origin = request.extensions().get::<Origin>().copied();
    origin.ok_or_else(|| Error::internal("no origin"))
}

/// Reads a body of the API: JSON that fits `T`. An unknown member is 400, a wrong value 422.
pub(crate) fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T> {
    let value = mindflight_calls::validate::parse(bytes)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (path, what) = (error.path().to_string(), error.inner().to_string());
        let mut names = what.split('`').skip(1).step_by(2);
        if what.starts_with("unknown field") {
            let (name, known) = (names.next().unwrap_or_default(), names.collect::<Vec<_>>());
            let near = nearest(name, known.iter().copied());
            let hint = near.first().map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_else(|| format!("; there are {}", known.join(", ")));
            let detail = format!("`{name}` is no member of this body{hint}");
            let known = known.into_iter().map(Value::from).collect();
            return Error::of(codes::INVALID_REQUEST, detail.clone()).field(
                pointer(&path),
                detail,
                known,
            );
        }
        if what.starts_with("missing field") {
            let name = names.next().unwrap_or_default();
            let detail = format!("`{name}` is missing");
            let place = pointer(&format!("{path}.{name}").replace("..", ""));
            return Error::of(codes::INVALID_BODY, detail.clone()).field(place, detail, Vec::new());
        }
        let place = if path == "." { String::new() } else { format!("`{path}`: ") };
        let detail = format!("{place}{what}");
        Error::of(codes::INVALID_BODY, detail.clone()).field(pointer(&path), detail, Vec::new())
    })
}

/// `scopes[0].name` → `/scopes/0/name` (RFC 6901); the whole body is the empty pointer.
fn pointer(path: &str) -> String {
    if path == "." {
        return String::new();
    }
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}

/// Reads an id from a path or query.
pub(crate) fn id<T: FromStr<Err = InvalidId>>(text: &str) -> Result<T> {
    text.parse().map_err(|error: InvalidId| Error::of(codes::INVALID_ID, format!("{error}")))
}

/// The query string, read once; the table has refused unknown names before.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter that may stand several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of another type; `allowed` says what would have been right.
    pub(crate) fn read<T: FromStr>(&self, name: &str, allowed: &str) -> Result<Option<T>> {
        let Some(text) = self.get(name) else {
            return Ok(None);
        };
        let wrong = || {
            Error::of(codes::INVALID_QUERY, format!("`{name}` must be {allowed}; got \"{text}\""))
        };
        text.parse().map(Some).map_err(|_| wrong())
    }

    /// `?limit=`, within its bounds.
    pub(crate) fn limit(&self, default: u32, most: u32) -> Result<u32> {
        let allowed = format!("a number from 1 to {most}");
        let limit = self.read::<u32>("limit", &allowed)?.unwrap_or(default);
        if (1..=most).contains(&limit) {
            return Ok(limit);
        }
        Err(Error::of(codes::INVALID_QUERY, format!("`limit` must be {allowed}; got {limit}")))
    }

    /// `?limit=` of a list of the usual length.
    pub(crate) fn page_limit(&self) -> Result<u32> {
        self.limit(page::DEFAULT_LIMIT, page::MAX_LIMIT)
    }

    /// `?cursor=` of a list that is ordered by id.
    pub(crate) fn cursor<T: FromStr>(&self) -> Result<Option<T>> {
        let Some(text) = self.get("cursor") else {
            return Ok(None);
        };
        let wrong = |_| Error::of(codes::INVALID_CURSOR, "`cursor` is not one this list gave");
        text.parse().map(Some).map_err(wrong)
    }
}

impl FromRequest for Query {
    type Error = Refusal;
    type Future = std::future::Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self::parse(request.query_string())))
    }
}

/// A name that people give: trimmed, 1–100 characters, without control characters and markup.
pub(crate) fn name(field: &str, text: &str) -> Result<String> {
    let wrong = |what: &str| {
        let detail = format!("`{field}` {what}");
        Err(Error::of(codes::INVALID_BODY, detail.clone()).field(
            format!("/{field}"),
            detail,
            vec![],
        ))
    };
    let text = without_tags(text);
    let text = text.trim();
    match text.chars().count() {
        0 => return wrong("must not be empty"),
        1..=100 => {}
        n => return wrong(&format!("must have at most 100 characters; got {n}")),
    }
    if text.chars().any(char::is_control) {
        return wrong("must not have control characters");
    }
    Ok(text.to_owned())
}

/// `text` without HTML tags: `<b>x</b>` is `x`, a lone `<` stays.
fn without_tags(text: &str) -> String {
    let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find('<') {
        let Some(length) = rest[start..].find('>') else {
            break;
        };
        clean.push_str(&rest[..start]);
        rest = &rest[start + length + 1..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_bodies_name_the_member_and_what_is_near() {
        let refused = |text: &'static str| {
            let error = body::<mindflight_api::access::NewKey>(&Bytes::from(text)).unwrap_err();
            (error.status(), error.fields()[0].pointer.clone(), error.detail().to_owned())
        };
        let (status, pointer, detail) = refused(r#"{"name":"k","scope":[]}"#);
        assert_eq!((status, pointer.as_str()), (400, "/scope"));
        assert!(detail.contains("did you mean `scopes`?"), "{detail}");
        let (status, pointer, detail) = refused(r#"{"name":"k"}"#);
        assert_eq!(
            (status, pointer.as_str(), detail.as_str()),
            (422, "/scopes", "`scopes` is missing")
        );
        let (status, pointer, detail) = refused(r#"{"name":"k","scopes":["nothing"]}"#);
        assert_eq!((status, pointer.as_str()), (422, "/scopes/0"));
        assert!(detail.contains("no scope `nothing`"), "{detail}");
        assert_eq!(refused("[]").1, "");
    }

    #[test]
    fn names_are_trimmed_and_lose_their_markup() {
        assert_eq!(name("name", "  <b>Ada</b> L. ").unwrap(), "Ada L.");
        assert_eq!(name("name", "a < b").unwrap(), "a < b");
        for (text, problem) in [
            ("", "must not be empty"),
            ("<i></i>", "must not be empty"),
            ("a\u{0}b", "control characters"),
            (&"x".repeat(101), "at most 100 characters; got 101"),
        ] {
            let detail = name("name", text).unwrap_err().detail().to_owned();
            assert!(detail.contains(problem), "{detail}");
        }
    }
}
