//! Deliveries to incoming webhooks: well signed, and in every wrong way.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use mindflight_core::routes::{Access, Scheme, Verification};
use mindflight_core::{Error, Provider, Result};
use mindflight_signatures::{TOLERANCE, sign};
use serde::Serialize;

use crate::Kit;
use crate::answer::Answer;
use crate::request::{json, parsed, request, rooted};

/// A secret that no provider has: readable as text and as base64.
const WRONG: &str = "whsec_d3JvbmcgYnV0IHdlbGwgZm9ybWVk";

/// A delivery to an incoming webhook. It can be sent again and again, as senders do.
#[must_use = "nothing is sent before `.send()`"]
pub struct Delivery<'kit, P> {
    kit: &'kit Kit<P>,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    id: String,
    signature: Signature,
}

#[derive(Clone, Copy, PartialEq)]
enum Signature {
    Right,
    None,
    Wrong,
    Stale,
}

impl<P> Clone for Delivery<'_, P> {
    fn clone(&self) -> Self {
        Self {
            kit: self.kit,
            path: self.path.clone(),
            headers: self.headers.clone(),
            body: self.body.clone(),
            id: self.id.clone(),
            signature: self.signature,
        }
    }
}

impl<'kit, P: Provider> Delivery<'kit, P> {
    pub(crate) fn new(kit: &'kit Kit<P>, path: &str) -> Self {
        Self {
            kit,
            path: rooted(path),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            id: "delivery-1".to_owned(),
            signature: Signature::Right,
        }
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

    /// A body of bytes or text.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A header beside those of the signature.
    ///
    /// # Panics
    /// If name or value cannot stand in a request.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let (name, value) = parsed(name, value);
        self.headers.append(name, value);
        self
    }

    /// The delivery's id, for schemes that sign one; the same each time it is sent.
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    /// Signed with the secret that the route declares. So it is unless told otherwise.
    pub fn signed(mut self) -> Self {
        self.signature = Signature::Right;
        self
    }

    /// Not signed.
    pub fn unsigned(mut self) -> Self {
        self.signature = Signature::None;
        self
    }

    /// Signed with another secret.
    pub fn wrong(mut self) -> Self {
        self.signature = Signature::Wrong;
        self
    }

    /// Signed well, but too long ago.
    pub fn stale(mut self) -> Self {
        self.signature = Signature::Stale;
        self
    }

    /// Sends it.
    ///
    /// # Panics
    /// If it cannot be signed as asked: the route verifies by a check of its own, or its scheme signs no time.
    pub async fn send(&self) -> Answer {
        match self.request() {
            Ok(request) => self.kit.send(request, "webhooks", None).await,
            Err(error) => Answer::refused(error),
        }
    }

    /// Sends it two times, as a sender does that did not see the first answer.
    ///
    /// # Panics
    /// As [`send`](Self::send).
    pub async fn twice(&self) -> [Answer; 2] {
        [self.send().await, self.send().await]
    }

    fn request(&self) -> Result<Request<Bytes>> {
        let (headers, body) = (self.headers.clone(), self.body.clone());
        let mut request = request(Method::POST, &self.path, headers, body)?;
        let (route, _) = self.kit.table()?.find(request.method(), request.uri().path())?;
        let Access::Signed(verification) = &route.access else {
            let path = &self.path;
            return Err(Error::not_found(format!("`{path}` is a route, not a webhook")));
        };
        if self.signature == Signature::None {
            return Ok(request);
        }
        let Verification::Scheme { scheme, secret } = verification else {
            panic!(
                "the webhook verifies by a check of its own, which the kit cannot sign for: use `.unsigned()` and `.header(…)`"
            );
        };
        let mut now = self.kit.clock().now();
        let mut secret = secret();
        match self.signature {
            Signature::Stale => {
                assert!(signs_time(scheme), "{scheme:?} signs no time, so nothing is stale");
                now -= TOLERANCE + Duration::from_secs(60);
            }
            Signature::Wrong => WRONG.clone_into(&mut secret),
            Signature::Right | Signature::None => {}
        }
        sign(scheme, &secret, &mut request, &self.id, now)?;
        Ok(request)
    }
}

/// Whether a signature of this scheme becomes too old.
pub(crate) fn signs_time(scheme: &Scheme) -> bool {
    !matches!(scheme, Scheme::GitHub | Scheme::HexHmac(_))
}
