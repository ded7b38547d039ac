//! Between actix's types (`http` 0.2) and the providers' (`http` 1): the only place that knows both.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use mindflight_api::codes;
use mindflight_core::body::{Body, Pieces};
use mindflight_core::routes::{Request, Response};
use mindflight_core::{Error, Result};

use crate::refusal::{Answer, Refusal};

pub(super) fn method(request: &HttpRequest) -> Result<http::Method> {
    http::Method::from_bytes(request.method().as_str().as_bytes()).map_err(unreadable)
}

pub(super) fn request(request: &HttpRequest, method: http::Method, body: Bytes) -> Result<Request> {
    let mut received = http::Request::new(body);
    *received.method_mut() = method;
    *received.uri_mut() = request.uri().to_string().parse().map_err(unreadable)?;
    for (name, value) in request.headers() {
        let name = http::HeaderName::from_bytes(name.as_str().as_bytes()).map_err(unreadable)?;
        let value = http::HeaderValue::from_bytes(value.as_bytes()).map_err(unreadable)?;
        received.headers_mut().append(name, value);
    }
    Ok(received)
}

fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::of(codes::INVALID_REQUEST, "the head of the request cannot be read").because(error)
}

pub(super) fn response(response: Response) -> Answer {
    let (head, body) = response.into_parts();
    let broken = |what: &str| {
        Refusal(Error::failed(format!("the route answered with a {what} that cannot be sent")))
    };
    let status = StatusCode::from_u16(head.status.as_u16()).map_err(|_| broken("status"))?;
    let mut answer = HttpResponse::build(status);
    for (name, value) in &head.headers {
        let name =
            HeaderName::from_bytes(name.as_str().as_bytes()).map_err(|_| broken("header"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| broken("header"))?;
        answer.append_header((name, value));
    }
    Ok(match body {
        Body::Whole(bytes) => answer.body(bytes),
        Body::Stream(pieces) => answer.streaming(stream(pieces)),
    })
}

fn stream(pieces: Box<dyn Pieces>) -> impl futures::Stream<Item = Result<Bytes, actix_web::Error>> {
    futures::stream::unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match pieces.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some(pieces))),
            Err(error) => Some((Err(Refusal(error).into()), None)),
        }
    })
}
