//! One line and one measurement for each request.

use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use mindflight_core::caller::Origin;

use crate::request::Requester;

pub(super) fn write(response: &ServiceResponse<BoxBody>, origin: Origin, started: Instant) {
    let (request, status) = (response.request(), response.status().as_u16());
    let pattern = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let seconds = started.elapsed().as_secs_f64();
    let labels = [
        ("method", label(request.method().as_str()).to_owned()),
        ("route", pattern),
        ("status", status.to_string()),
    ];
    metrics::histogram!("mindflight_http_request_duration_seconds", &labels).record(seconds);
    // Probes come every few seconds and say nothing while all is well.
    let is_probe = request.path().starts_with("/health") || request.path() == "/metrics";
    if is_probe && status < 500 {
        return;
    }
    let (method, path) = (request.method().as_str(), request.path());
    let extensions = request.extensions();
    let facts = extensions.get::<Requester>().map(|who| who.caller.facts());
    let (key, user) = (facts.and_then(|facts| facts.key), facts.and_then(|facts| facts.user));
    tracing::info!(
        target: "mindflight::request",
        request_id = %origin.request,
        method,
        path,
        status,
        duration_ms = seconds * 1000.0,
        ip = origin.ip.map(tracing::field::display),
        key_id = key.map(tracing::field::display),
        user_id = user.map(tracing::field::display),
        "{method} {path} {status}"
    );
}

/// A method as a label: whatever a caller makes up is one.
fn label(name: &str) -> &str {
    match name {
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => name,
        _ => "OTHER",
    }
}
