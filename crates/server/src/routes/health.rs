//! Whether the process runs, whether it should get requests, and how well it is. None of them waits for anything.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, web};
use mindflight_api::health::{Health, Status};
use schemars::JsonSchema;
use serde::Serialize;

use crate::health::Beside;
use crate::operation::Operation;
use crate::state::AppState;

/// `GET /health/liveness` and `GET /health/readiness`.
#[derive(Debug, Serialize, JsonSchema)]
struct Word {
    /// `alive`, `ready` or `not_ready`.
    status: &'static str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) fn operations() -> Vec<Operation> {
    let get = Method::GET;
    let live = Operation::new(
        get.clone(),
        "/health/liveness",
        "liveness",
        "Whether the process runs",
        liveness,
    )
    .public()
    .uncounted()
    .gives::<Word>();
    let ready = Operation::new(
        get.clone(),
        "/health/readiness",
        "readiness",
        "Whether requests should come here; 503 if not",
        readiness,
    )
    .public()
    .uncounted()
    .gives::<Word>();
    let health = Operation::new(
        get,
        "/health",
        "health",
        "How well this instance is; 503 only when unhealthy",
        health,
    )
    .public()
    .uncounted()
    .gives::<Health>();
    vec![ready.alias("/healthz"), health.alias("/health/health"), live, ready, health]
}

async fn liveness() -> HttpResponse {
    HttpResponse::Ok().json(Word { status: "alive", reason: None })
}

async fn readiness(state: web::Data<AppState>) -> HttpResponse {
    match state.health.ready(state.is_draining()) {
        Ok(()) => HttpResponse::Ok().json(Word { status: "ready", reason: None }),
        Err(why) => {
            HttpResponse::ServiceUnavailable().json(Word { status: "not_ready", reason: Some(why) })
        }
    }
}

async fn health(state: web::Data<AppState>) -> HttpResponse {
    let beside = Beside {
        now: state.clock.now(),
        unwell: state.mounts.unwell(),
        stuck: state.calls.guard().stuck().now(),
    };
    let health = state.health.health(&beside);
    let status = match health.status {
        Status::Healthy | Status::Degraded => StatusCode::OK,
        Status::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    HttpResponse::build(status).json(health)
}
