//! What is counted. No label names a host: there are as many as callers think of.

use bytes::Bytes;
use http::Response;
use tokio::time::Instant;

use crate::attempt::class;
use crate::exchange::Ended;
use crate::failure::Failure;

/// Counts one exchange.
pub(crate) fn record(outcome: &Result<Response<Bytes>, Ended>, started: Instant) {
    let outcome = match outcome {
        Ok(answer) => class(answer.status()),
        Err(Ended { failure: Failure::Refused(_), .. }) => "refused",
        Err(Ended { failure: Failure::Resting(_), .. }) => "breaker_open",
        Err(_) => "failed",
    };
    metrics::counter!("mindflight_outbound_requests_total", "outcome" => outcome).increment(1);
    metrics::histogram!("mindflight_outbound_request_duration_seconds")
        .record(started.elapsed().as_secs_f64());
}
