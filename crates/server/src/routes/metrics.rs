//! `GET /metrics`, for Prometheus.

use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_api::codes;
use mindflight_core::{Error, Result};
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::operation::Operation;
use crate::refusal::Answer;
use crate::state::AppState;
use crate::telemetry;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            "/metrics",
            "metrics",
            "Measurements in the text format of Prometheus",
            metrics,
        )
        .public()
        .uncounted(),
    ]
}

async fn metrics(state: web::Data<AppState>, request: HttpRequest) -> Answer {
    if let Some(token) = &state.config.metrics.token {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        check(token.expose_secret(), header)?;
    }
    let body = telemetry::render(&state.metrics);
    Ok(HttpResponse::Ok().content_type(telemetry::TEXT_FORMAT).body(body))
}

/// Whether the header has the token of `metrics.token`.
fn check(token: &str, header: Option<&str>) -> Result<()> {
    let sent = header
        .and_then(|header| header.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let sent = sent.map(|(_, sent)| sent.trim()).unwrap_or_default();
    // In constant time: how much of a guess was right must not be measurable.
    match bool::from(sent.as_bytes().ct_eq(token.as_bytes())) {
        true => Ok(()),
        false => {
            Err(Error::of(codes::UNAUTHENTICATED, "`/metrics` needs the token of `metrics.token`")
                .fix("Send `Authorization: Bearer <metrics.token>`."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens_metrics() {
        assert!(check("s3cret", Some("Bearer s3cret")).is_ok());
        assert!(check("s3cret", Some("bearer s3cret")).is_ok());
        for wrong in [
            None,
            Some(""),
            Some("s3cret"),
            Some("Bearer s3cre"),
            Some("Bearer s3cret2"),
            Some("Basic s3cret"),
        ] {
            assert_eq!(check("s3cret", wrong).unwrap_err().status(), 401, "{wrong:?}");
        }
    }
}
