//! Turns an error on its way out into its face's dialect: the problem object, or SLOP's.

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use mindflight_api::{Code, codes, problem};
use mindflight_core::caller::Origin;
use mindflight_core::{Error, ErrorKind};

use crate::refusal::Refusal;
use crate::slop;

pub(super) fn render(
    response: ServiceResponse<BoxBody>,
    origin: Origin,
) -> ServiceResponse<BoxBody> {
    let Some(cause) = response.response().error() else {
        return response;
    };
    let own;
    let error = match cause.as_error::<Refusal>() {
        Some(Refusal(error)) => error,
        None => {
            own = of_actix(response.status(), cause);
            &own
        }
    };
    report(error, origin);
    let body = if slop::is_face(response.request().path()) {
        slop::error(error)
    } else {
        serde_json::to_vec(&error.problem(origin.request)).unwrap_or_default()
    };
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let wait = error.retry_after();
    let (request, old) = response.into_parts();
    let mut new = HttpResponse::with_body(status, BoxBody::new(body));
    // What layers below have set, such as `Allow` and CORS, stays.
    for (name, value) in old.headers() {
        new.headers_mut().append(name.clone(), value.clone());
    }
    let media_type = HeaderValue::from_static(problem::MEDIA_TYPE);
    new.headers_mut().insert(CONTENT_TYPE, media_type);
    if let Some(wait) = wait {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::try_from(seconds.to_string()) {
            new.headers_mut().insert(RETRY_AFTER, value);
        }
    }
    ServiceResponse::new(request, new)
}

/// What actix refuses by itself, in our words; its own are for people who know actix.
fn of_actix(status: StatusCode, cause: &actix_web::Error) -> Error {
    let code: Code = match status.as_u16() {
        404 => codes::NOT_FOUND,
        405 => codes::METHOD_NOT_ALLOWED,
        413 => codes::TOO_LARGE,
        415 => codes::UNSUPPORTED_MEDIA_TYPE,
        400..=499 => codes::INVALID_REQUEST,
        _ => codes::INTERNAL,
    };
    Error::of(code, code.title).because(cause.to_string())
}

/// Errors are logged here, once, and only those that someone other than the caller has to look at.
fn report(error: &Error, origin: Origin) {
    let ours =
        matches!(error.kind(), ErrorKind::Internal | ErrorKind::Upstream | ErrorKind::Timeout);
    if !ours {
        return;
    }
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(error);
    while let Some(this) = cause {
        causes.push(this.to_string());
        cause = this.source();
    }
    let (code, cause) = (error.name(), causes.join(": "));
    tracing::error!(request_id = %origin.request, code, cause, "request {} failed: {error}", origin.request);
}
