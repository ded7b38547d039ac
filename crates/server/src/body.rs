//! Reads request bodies up to a limit, and reads past it long enough for the client to hear why it was refused.

use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use mindflight_api::codes;
use mindflight_core::{Error, Result};
use serde_json::{Map, Value};

use crate::refusal::Refusal;
use crate::state::AppState;

/// A client that is still sending does not read; so much is read and thrown away before it gets its answer.
const DRAIN_BYTES: usize = 8 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// A JSON body, not parsed yet; empty if there was none.
#[derive(Debug)]
pub(crate) struct Json(pub(crate) Bytes);

impl Json {
    /// The arguments of a call; none at all are an empty object.
    pub(crate) fn arguments(&self) -> Result<Value> {
        match self.0.is_empty() {
            true => Ok(Value::Object(Map::new())),
            false => mindflight_calls::validate::parse(&self.0),
        }
    }
}

impl FromRequest for Json {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request
            .app_data::<web::Data<AppState>>()
            .map(|state| state.config.server.max_body_bytes);
        let (is_json, payload) = (content_type(request), payload.take());
        Box::pin(async move {
            let bytes = read(payload, limit.unwrap_or_default()).await?;
            if !bytes.is_empty() {
                is_json?;
            }
            Ok(Self(bytes))
        })
    }
}

/// Reads a whole body of at most `limit` bytes.
pub(crate) async fn read(mut payload: Payload, limit: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece = piece.map_err(|error| {
            Error::of(codes::INVALID_REQUEST, "the body ended before it was complete")
                .because(error.to_string())
        })?;
        if body.len() + piece.len() > limit {
            drain(payload).await;
            let detail = format!("the body is larger than the {limit} bytes that are allowed here");
            return Err(Error::of(codes::TOO_LARGE, detail));
        }
        // Most bodies come in one piece: no copy then.
        if body.is_empty() {
            body = piece.try_into_mut().unwrap_or_else(|piece| BytesMut::from(&piece[..]));
        } else {
            body.extend_from_slice(&piece);
        }
    }
    Ok(body.freeze())
}

async fn drain(mut payload: Payload) {
    let discard = async {
        let mut read = 0;
        while let Some(Ok(piece)) = payload.next().await {
            read += piece.len();
            if read > DRAIN_BYTES {
                break;
            }
        }
    };
    // Patience has an end; the answer goes out either way.
    drop(tokio::time::timeout(DRAIN_TIME, discard).await);
}

/// Whether the body says that it is JSON: `application/json`, or a type that ends in `+json`.
fn content_type(request: &HttpRequest) -> Result<()> {
    let header = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = header.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    if essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
    {
        return Ok(());
    }
    let got = if essence.is_empty() { "none".to_owned() } else { format!("`{essence}`") };
    Err(Error::of(
        codes::UNSUPPORTED_MEDIA_TYPE,
        format!("the body must be `application/json`; its content type is {got}"),
    )
    .fix("Send `Content-Type: application/json`; with curl, use `--json`."))
}
