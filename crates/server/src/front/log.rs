//! One line and one measurement for each request.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use actix_web::HttpMessage;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use metrics::Histogram;
use mindflight_core::caller::Origin;

use crate::request::Requester;

/// The pattern of the operation that took the request, for a label; put there by whoever matched it.
#[derive(Clone, Copy)]
pub(crate) struct Pattern(pub(crate) &'static str);

type Series = (&'static str, &'static str, u16);

/// How long requests took, by method, pattern and status. Each series is found once and kept.
#[derive(Default)]
pub(crate) struct Durations(RwLock<HashMap<Series, Histogram>>);

impl Durations {
    fn record(&self, series: Series, seconds: f64) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(histogram) = known.get(&series) {
            return histogram.record(seconds);
        }
        drop(known);
        let (method, route, status) = series;
        let histogram = metrics::histogram!(
            "mindflight_http_request_duration_seconds",
            "method" => method, "route" => route, "status" => status.to_string()
        );
        histogram.record(seconds);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(series, histogram);
    }
}

pub(super) fn write(
    response: &ServiceResponse<BoxBody>,
    origin: Origin,
    started: Instant,
    durations: &Durations,
) {
    let (request, status) = (response.request(), response.status().as_u16());
    let pattern = request.extensions().get::<Pattern>().map_or("unmatched", |pattern| pattern.0);
    let seconds = started.elapsed().as_secs_f64();
    durations.record((label(request.method()), pattern, status), seconds);
    if !tracing::enabled!(target: "mindflight::request", tracing::Level::INFO) {
        return;
    }
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
fn label(method: &Method) -> &'static str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    known.iter().position(|one| one == method).map_or("OTHER", |place| names[place])
}
