//! One scripted answer of the outside world.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

/// One answer of the outside world.
#[derive(Clone)]
pub struct Scripted {
    pub(super) answer: Option<Response<Bytes>>,
    pub(super) delay: Duration,
}

/// A body: JSON with its content type, or text, or bytes, or nothing.
pub struct Content {
    bytes: Bytes,
    media_type: Option<&'static str>,
}

impl From<Value> for Content {
    fn from(value: Value) -> Self {
        Self { bytes: value.to_string().into(), media_type: Some("application/json") }
    }
}

macro_rules! contents {
    ($($from:ty),*) => {$(
        impl From<$from> for Content {
            fn from(content: $from) -> Self {
                Self { bytes: content.into(), media_type: None }
            }
        }
    )*};
}

contents!(&'static str, String, Vec<u8>, Bytes);

impl From<()> for Content {
    fn from((): ()) -> Self {
        Bytes::new().into()
    }
}

impl Scripted {
    /// An answer with this status and body: JSON, text or bytes.
    ///
    /// # Panics
    /// If `status` is none.
    #[track_caller]
    #[must_use]
    pub fn new(status: u16, body: impl Into<Content>) -> Self {
        let Content { bytes, media_type } = body.into();
        let mut answer = Response::new(bytes);
        match StatusCode::from_u16(status) {
            Ok(status) => *answer.status_mut() = status,
            Err(error) => panic!("{status}: {error}"),
        }
        if let Some(media_type) = media_type {
            let value = HeaderValue::from_static(media_type);
            answer.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        Self { answer: Some(answer), delay: Duration::ZERO }
    }

    /// No answer: the connection is lost.
    #[must_use]
    pub fn dropped() -> Self {
        Self { answer: None, delay: Duration::ZERO }
    }

    /// The answer has this header.
    ///
    /// # Panics
    /// If name or value cannot stand in an answer.
    #[track_caller]
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = name.parse::<HeaderName>().ok().zip(value.parse().ok());
        match (&mut self.answer, parsed) {
            (Some(answer), Some((name, value))) => drop(answer.headers_mut().insert(name, value)),
            (None, _) => panic!("no header arrives over a lost connection"),
            (_, None) => panic!("`{name}: {value}` is no header"),
        }
        self
    }

    /// The answer takes this long.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay += delay;
        self
    }
}
