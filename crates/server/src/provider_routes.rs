//! The face of the providers' own routes: two catch-alls over the mounts' table.

mod convert;

use actix_web::dev::Payload;
use actix_web::{HttpMessage, HttpRequest, web};
use mindflight_api::Scope;
use mindflight_calls::RouteCall;
use mindflight_core::caller::{Caller, Origin};
use mindflight_core::routes::Access;
use mindflight_core::{Error, Result};

use crate::admission;
use crate::body;
use crate::front::Pattern;
use crate::mounts::{Found, Lookup};
use crate::refusal::{Answer, method_not_allowed};
use crate::request;
use crate::state::AppState;

/// Mounts `/providers/{name}/…` and `/webhooks/{name}/…`.
pub(crate) fn mount(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/providers/{name}/{path:.*}").to(route))
        .service(web::resource("/webhooks/{name}/{path:.*}").to(webhook));
}

async fn route(
    http: HttpRequest,
    payload: web::Payload,
    path: web::Path<(String, String)>,
) -> Answer {
    serve(http, payload.into_inner(), path.into_inner(), false).await
}

async fn webhook(
    http: HttpRequest,
    payload: web::Payload,
    path: web::Path<(String, String)>,
) -> Answer {
    serve(http, payload.into_inner(), path.into_inner(), true).await
}

async fn serve(
    http: HttpRequest,
    payload: Payload,
    (name, path): (String, String),
    webhook: bool,
) -> Answer {
    // One label for all of them: their paths are the providers' own.
    http.extensions_mut().insert(Pattern("/providers/{name}/{path}"));
    let state = admission::state(&http)?;
    let origin = request::origin(&http)?;
    let method = convert::method(&http)?;
    let found = match state.mounts.route(&name, &format!("/{path}"), &method, webhook)? {
        Lookup::Found(found) => found,
        Lookup::OtherMethods(allowed) => return Ok(method_not_allowed(&http, &allowed)),
    };
    let Found { context, route, parameters } = found;
    let early = caller(&http, &state, &route.access, origin).await?;
    let bytes = body::read(payload, route.max_body).await?;
    let mut received = convert::request(&http, method, bytes)?;
    if let Access::Signed(verification) = &route.access {
        mindflight_signatures::verification(verification, &received, state.clock.now())?;
    }
    received.extensions_mut().insert(parameters);
    let call = RouteCall { caller: early, origin };
    let response = state.calls.run_route(&context, &route, received, call).await?;
    convert::response(response)
}

/// Who is calling, as far as the route wants to know; a signature is checked once the body is there.
async fn caller(
    request: &HttpRequest,
    state: &AppState,
    access: &Access,
    origin: Origin,
) -> Result<Caller> {
    let scope = match access {
        Access::Public | Access::Signed(_) => {
            admission::limit(request, state, &Caller::public(), origin)?;
            return Ok(Caller::public());
        }
        Access::Scope(scope) => Some(scope.parse::<Scope>().map_err(Error::internal)?),
        // A way in that this server does not know is at least not open to everyone.
        Access::Caller | _ => None,
    };
    let caller = admission::authenticate(request, state, origin).await?;
    admission::limit(request, state, &caller, origin)?;
    if let Some(scope) = scope {
        caller.require(&scope)?;
    }
    Ok(caller)
}
