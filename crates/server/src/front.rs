//! The outermost layer: every request gets an id, every answer the same headers, every error the same form, every exchange one log line.

mod checks;
mod headers;
mod log;
mod render;

pub(crate) use self::log::{Durations, Pattern};

use std::net::IpAddr;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use mindflight_api::RequestId;
use mindflight_core::caller::Origin;

use crate::refusal::Refusal;
use crate::state::AppState;

/// The whole of what happens around a handler.
pub(crate) async fn front(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let origin = Origin { request: RequestId::new(), ip: address(&request, &state) };
    request.extensions_mut().insert(origin);
    let response = match checks::check(&request, &state) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.error_response(Refusal(error)),
    };
    let mut response = render::render(response, origin);
    headers::add(&mut response, origin, &state);
    log::write(&response, origin, started, &state.durations);
    Ok(response)
}

/// The caller's address: the peer's, or what a trusted proxy says.
fn address(request: &ServiceRequest, state: &AppState) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    let trusted = &state.config.server.trusted_proxies;
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|network| network.contains(ip));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    // From the right: the last address that no trusted proxy added is the one to believe.
    let forwarded = request.headers().get_all("x-forwarded-for");
    let mut hops: Vec<&str> = forwarded
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    hops.reverse();
    for hop in hops {
        let Ok(ip) = hop.trim().parse::<IpAddr>() else {
            return Some(peer);
        };
        let ip = ip.to_canonical();
        if !is_trusted(&ip) {
            return Some(ip);
        }
    }
    Some(peer)
}
