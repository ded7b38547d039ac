//! Lets a request in: who is it, may it, is it within its limits, does it ask for what exists.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, web};
use futures::FutureExt;
use mindflight_api::codes;
use mindflight_calls::nearest;
use mindflight_core::caller::Origin;
use mindflight_core::{Caller, Error, Result};

use crate::auth::Head;
use crate::limit::Standings;
use crate::operation::{Access, Rules};
use crate::refusal::Refusal;
use crate::request::{Query, Requester, origin};
use crate::state::AppState;

/// What stands before every operation.
pub(crate) async fn admit(
    rules: Arc<Rules>,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    request.extensions_mut().insert(rules.pattern);
    if let Err(error) = check(&rules, request.request()).await {
        return Ok(request.error_response(Refusal(error)));
    }
    let kept = request.request().clone();
    let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    // A panic is one request's failure; its own words went to the log, by the hook.
    answered.unwrap_or_else(|_| {
        let error = Refusal(Error::internal("a request handler panicked"));
        Ok(ServiceResponse::from_err(error, kept))
    })
}

async fn check(rules: &Rules, request: &HttpRequest) -> Result<()> {
    let (state, origin) = (state(request)?, origin(request)?);
    let caller = match &rules.access {
        Access::Public => known(request, Caller::public(), origin),
        Access::Caller | Access::Scope(_) => authenticate(request, &state, origin).await?,
    };
    if rules.counted {
        limit(request, &state, &caller, origin)?;
    }
    if let Access::Scope(scope) = &rules.access {
        caller.require(scope)?;
    }
    known_query(rules, request)
}

/// Notes who is calling, for the handler and for the request's line in the log, which a refusal has too.
fn known(request: &HttpRequest, caller: Caller, origin: Origin) -> Caller {
    let requester = Requester { caller: caller.clone(), origin };
    request.extensions_mut().insert(requester);
    caller
}

/// Who is calling. Whoever cannot say it is counted by address, so that guessing has a limit too.
pub(crate) async fn authenticate(
    request: &HttpRequest,
    state: &AppState,
    origin: Origin,
) -> Result<Caller> {
    match state.gate.caller(&Head::from(request)).await {
        Ok(caller) => Ok(known(request, caller, origin)),
        Err(error) => {
            limit(request, state, &Caller::public(), origin)?;
            Err(error)
        }
    }
}

/// Counts the request towards its caller's limit.
pub(crate) fn limit(
    request: &HttpRequest,
    state: &AppState,
    caller: &Caller,
    origin: Origin,
) -> Result<()> {
    Standings::note(request, state.limits.request(caller, origin.ip))
}

pub(crate) fn state(request: &HttpRequest) -> Result<web::Data<AppState>> {
    let state = request.app_data::<web::Data<AppState>>().cloned();
    state.ok_or_else(|| Error::internal("no state"))
}

/// A misspelt filter that is ignored lies; it is refused.
fn known_query(rules: &Rules, request: &HttpRequest) -> Result<()> {
    let text = request.query_string();
    if text.is_empty() {
        return Ok(());
    }
    let query = Query::parse(text);
    let known: Vec<&str> = rules.query.iter().map(|(name, _)| *name).collect();
    // `args.*` stands for every name that begins with `args.`.
    let fits = |name: &str, known: &&str| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *known,
    };
    let unknown = query.names().find(|name| !known.iter().any(|known| fits(name, known)));
    let Some(name) = unknown else { return Ok(()) };
    let near = nearest(name, known.iter().copied());
    let hint = match (near.first(), known.as_slice()) {
        (Some(near), _) => format!("; did you mean `{near}`?"),
        (None, []) => "; there are none here".to_owned(),
        (None, known) => format!("; there are {}", known.join(", ")),
    };
    Err(Error::of(
        codes::INVALID_QUERY,
        format!("`{name}` is no query parameter of this path{hint}"),
    ))
}
