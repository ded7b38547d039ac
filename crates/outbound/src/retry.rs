//! Whether and when a request is sent again.
//!
//! Our own few lines, and not a library's loop: the pause depends on what was answered and on the time left, and its
//! jitter is full, from nothing to the whole, so that the callers of a host that recovers do not come together.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use mindflight_core::upstream;

use crate::failure::Failure;

/// Whether doing it twice is doing it once (RFC 9110 §9.2.2), or the receiver promises that.
pub(crate) fn repeatable(method: &Method, headers: &HeaderMap) -> bool {
    let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::DELETE];
    idempotent.contains(method) || headers.contains_key("idempotency-key")
}

/// How long to wait before the next attempt, or `None` if `outcome` is final: nothing to mend, or no time for it.
pub(crate) fn pause(
    outcome: &Result<Response<Bytes>, Failure>,
    most: Duration,
    left: Duration,
) -> Option<Duration> {
    let asked = match outcome {
        Ok(answer) if passes(answer.status()) => upstream::retry_after(answer),
        Err(Failure::NoAnswer(_)) => None,
        Ok(_) | Err(_) => return None,
    };
    let pause = jitter(most).max(asked.unwrap_or_default());
    (pause < left).then_some(pause)
}

/// Whether the same request may be answered otherwise a moment later.
fn passes(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// Somewhere between nothing and `most`.
fn jitter(most: Duration) -> Duration {
    // Without random bytes the middle does.
    let share = getrandom::u32().unwrap_or(u32::MAX / 2);
    most.mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn answer(status: u16, after: &str) -> Result<Response<Bytes>, Failure> {
        let builder = Response::builder().status(status).header("retry-after", after);
        Ok(builder.body(Bytes::new()).unwrap())
    }

    #[test]
    fn only_what_passes_is_tried_again_and_only_while_there_is_time() {
        for status in [429, 502, 503, 504] {
            for _ in 0..100 {
                let pause = pause(&answer(status, ""), Duration::from_millis(200), MINUTE).unwrap();
                assert!(pause <= Duration::from_millis(200));
            }
            assert_eq!(pause(&answer(status, "7"), Duration::ZERO, MINUTE).unwrap().as_secs(), 7);
            assert_eq!(pause(&answer(status, "60"), Duration::ZERO, MINUTE), None);
            assert_eq!(pause(&answer(status, ""), Duration::ZERO, Duration::ZERO), None);
        }
        for status in [200, 301, 400, 404, 500, 501] {
            assert_eq!(pause(&answer(status, ""), Duration::ZERO, MINUTE), None, "{status}");
        }
        let resting = Err(Failure::Resting(MINUTE));
        assert_eq!(pause(&resting, Duration::ZERO, MINUTE), None);
    }

    #[test]
    fn posts_are_repeated_only_under_a_key() {
        let mut headers = HeaderMap::new();
        assert!(repeatable(&Method::PUT, &headers));
        assert!(!repeatable(&Method::POST, &headers));
        assert!(!repeatable(&Method::PATCH, &headers));
        headers.insert("idempotency-key", "1".parse().unwrap());
        assert!(repeatable(&Method::POST, &headers));
    }
}
