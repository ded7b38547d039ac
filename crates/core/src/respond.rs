//! Short ways to make the answers that routes give most.

use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Error, Response, Result};

/// 200 with `value` as JSON.
///
/// # Errors
/// When `value` cannot be written as JSON, such as a map whose keys are not strings.
pub fn json(value: &impl Serialize) -> Result<Response> {
    let bytes = serde_json::to_vec(value).map_err(Error::internal)?;
    Ok(with_type(bytes.into(), "application/json"))
}

/// 200 with plain text.
#[must_use]
pub fn text(text: impl Into<String>) -> Response {
    with_type(text.into().into(), "text/plain; charset=utf-8")
}

/// A status without a body.
#[must_use]
pub fn status(status: StatusCode) -> Response {
    let mut response = Response::new(bytes::Bytes::new().into());
    *response.status_mut() = status;
    response
}

fn with_type(body: crate::body::Body, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
