//! What a route answered, and what a test says about it.

use bytes::Bytes;
use http::HeaderMap;
use mindflight_core::body::Body;
use mindflight_core::{Error, Response};
use serde::de::DeserializeOwned;

use crate::refused::Refused;

/// What a route answered. A stream has been read to its end.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    error: Option<Error>,
    cut: Option<Error>,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let mut cut = None;
        let body = match body {
            Body::Whole(bytes) => bytes,
            Body::Stream(mut pieces) => {
                let mut all = Vec::new();
                while let Some(piece) = pieces.next().await {
                    match piece {
                        Ok(piece) => all.extend_from_slice(&piece),
                        Err(error) => {
                            cut = Some(error);
                            break;
                        }
                    }
                }
                all.into()
            }
        };
        Self { status: parts.status.as_u16(), headers: parts.headers, body, error: None, cut }
    }

    pub(crate) fn refused(error: Error) -> Self {
        Self {
            status: error.status(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            error: Some(error),
            cut: None,
        }
    }

    /// The HTTP status, also of an error.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The status is this one.
    ///
    /// # Panics
    /// If it is another.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The route was refused or failed; check how.
    ///
    /// # Panics
    /// If it answered.
    #[track_caller]
    pub fn assert_error(&self) -> Refused {
        match &self.error {
            Some(error) => Refused::of(error),
            None => panic!("the route answered {}: {}", self.status, self.text()),
        }
    }

    /// A header that the route set.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as a `T`.
    ///
    /// # Panics
    /// If the route failed, or the body is no JSON of a `T`.
    #[track_caller]
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        if let Some(error) = &self.error {
            panic!("the route failed: {error:?}");
        }
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", self.text()),
        }
    }

    /// The error that cut a stream.
    #[must_use]
    pub fn cut(&self) -> Option<&Error> {
        self.cut.as_ref()
    }
}
