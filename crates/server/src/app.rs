//! Puts the faces together: the one place that knows every path. Used by the server and by nothing else.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use mindflight_calls::nearest;
use mindflight_core::Error;

use crate::config::{Config, Environment};
use crate::operation::Operation;
use crate::provider_routes;
use crate::refusal::{Refusal, method_not_allowed};
use crate::routes;

/// How long browsers may remember what CORS allows.
const CORS_SECONDS: usize = 600;

/// Mounts every operation, the providers' routes, and the answer to everything else.
pub(crate) fn mount(config: &mut web::ServiceConfig) {
    for (path, operations) in by_path() {
        let methods: Vec<&str> =
            operations.iter().map(|operation| operation.method.as_str()).collect();
        let allowed = methods.join(", ");
        let resource = operations.iter().fold(web::resource(path), |resource, operation| {
            let resource = resource.route(operation.route());
            match operation.method == Method::GET {
                // HEAD is GET without a body; the connection leaves the body out.
                true => resource.route(operation.head()),
                false => resource,
            }
        });
        let refuse =
            move |request: HttpRequest| std::future::ready(method_not_allowed(&request, &allowed));
        config.service(resource.default_service(web::to(refuse)));
    }
    provider_routes::mount(config);
    config.default_service(web::to(not_found));
}

/// Operations by path, in the order of the table: actix tries one after the other, so what is asked for
/// most comes first, and a literal path before the parameter that would swallow it.
fn by_path() -> Vec<(&'static str, Vec<Operation>)> {
    let mut paths: Vec<(&'static str, Vec<Operation>)> = Vec::new();
    for operation in routes::operations() {
        match paths.iter_mut().find(|(path, _)| *path == operation.path) {
            Some((_, operations)) => operations.push(operation),
            None => paths.push((operation.path, vec![operation])),
        }
    }
    paths
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    let path = request.path();
    let known: Vec<&str> =
        by_path().into_iter().map(|(path, _)| path).filter(|path| !path.contains('{')).collect();
    let near = nearest(path, known);
    let shown: String = path.chars().take(200).collect();
    let detail = match near.first() {
        Some(near) => format!("nothing is at `{shown}`; did you mean `{near}`?"),
        None => format!("nothing is at `{shown}`; `GET /openapi.json` lists what is there"),
    };
    HttpResponse::from_error(Refusal(Error::not_found(detail)))
}

/// Which browsers may read answers: the configured origins, and localhost in development.
pub(crate) fn cors(config: &Arc<Config>) -> Cors {
    let config = config.clone();
    Cors::default()
        .allowed_origin_fn(move |origin, _| {
            origin.to_str().is_ok_and(|origin| may_read(&config, origin))
        })
        .allowed_methods(["GET", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "accept",
            "idempotency-key",
            "prefer",
            "last-event-id",
            "x-slop-scope",
        ])
        .expose_headers([
            "x-request-id",
            "api-version",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "location",
        ])
        // Others get their answer without the CORS headers: the browser keeps it from the page.
        .block_on_origin_mismatch(false)
        .max_age(CORS_SECONDS)
}

/// Whether pages of this origin may read answers.
pub(crate) fn may_read(config: &Config, origin: &str) -> bool {
    let mut allowed = config.server.cors_origins.iter();
    allowed.any(|allowed| allowed.trim_end_matches('/') == origin)
        || (config.environment == Environment::Development && is_localhost(origin))
}

fn is_localhost(origin: &str) -> bool {
    let Some((_, host)) = origin.split_once("://") else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.chars().all(|c| c.is_ascii_digit()) { name } else { host }
    });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests;
