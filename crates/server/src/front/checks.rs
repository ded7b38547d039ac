//! What is refused before anything looks at the request: lengths, versions, features that are not there.

use actix_web::dev::ServiceRequest;
use actix_web::http::header::{ACCEPT, HeaderMap};
use mindflight_api::{API_VERSION, codes};
use mindflight_core::{Error, Result};

use crate::state::AppState;

pub(super) fn check(request: &ServiceRequest, state: &AppState) -> Result<()> {
    let limits = &state.config.server;
    let uri = request.uri();
    let length = uri.path_and_query().map_or(0, |text| text.as_str().chars().count());
    if length > limits.max_url {
        return Err(too_long("URL", length, limits.max_url));
    }
    let length = uri.query().map_or(0, |text| text.chars().count());
    if length > limits.max_query {
        return Err(too_long("query string", length, limits.max_query));
    }
    version(request.headers())?;
    not_built(request)
}

fn too_long(what: &str, length: usize, limit: usize) -> Error {
    let detail = format!("the {what} has {length} characters; {limit} are allowed");
    Error::of(codes::URI_TOO_LONG, detail)
}

/// `Accept: application/json; version=N`: N must be one we speak.
fn version(headers: &HeaderMap) -> Result<()> {
    let asked = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    let parameters = asked.flat_map(|value| value.split([',', ';']));
    for parameter in parameters {
        let Some(version) = parameter.trim().strip_prefix("version=") else {
            continue;
        };
        let version = version.trim_matches('"');
        if version != API_VERSION {
            let detail = format!(
                "version {version} of the API was asked for; there is version {API_VERSION}"
            );
            return Err(Error::of(codes::NOT_ACCEPTABLE, detail));
        }
    }
    Ok(())
}

/// What a later release will do is refused, not ignored: a caller who asks for exactly-once must not get at-least-once.
fn not_built(request: &ServiceRequest) -> Result<()> {
    let (path, headers) = (request.path(), request.headers());
    let refuse =
        |what: &str| Err(Error::not_supported(format!("{what} is not supported by this release")));
    if path.starts_with("/api/") && headers.contains_key("idempotency-key") {
        return refuse("`Idempotency-Key`");
    }
    let is_call = request.method() == actix_web::http::Method::POST
        && (path.starts_with("/api/tools/") || path.starts_with("/tools/"));
    if !is_call {
        return Ok(());
    }
    if headers.contains_key("prefer") && path.starts_with("/tools/") {
        return refuse("`Prefer` on a call over SLOP");
    }
    let mut accepted = headers.get_all(ACCEPT).filter_map(|value| value.to_str().ok());
    if accepted.any(|value| value.contains("text/event-stream")) {
        return refuse("`Accept: text/event-stream` on a tool call");
    }
    Ok(())
}
