//! A request out of an operation and the arguments of a call.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use mindflight_core::{Error, Result};
use serde_json::Value;
use url::Url;

use crate::auth::Credentials;
use crate::encode;
use crate::operation::{Kind, Operation, Parameter, Place};
use crate::style::{Style, Writing};

/// Writes a request. `base` has no slash at its end.
pub(crate) fn write(
    operation: &Operation,
    base: &Url,
    credentials: &Credentials,
    arguments: &Value,
) -> Result<Request<Bytes>> {
    let path = path(operation, arguments)?;
    let mut query: Vec<String> = of(operation, Place::Query, arguments)
        .flat_map(|(parameter, value)| parameter.writing.pairs(&parameter.name, value))
        .collect();
    query.extend(credentials.query());
    let mut target = format!("{}{path}", base.as_str().trim_end_matches('/'));
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = operation.method.clone();
    *request.uri_mut() = target.parse().map_err(|_| {
        Error::invalid("the arguments make a URL that cannot be sent; it may be too long")
    })?;
    headers(operation, arguments, &mut request)?;
    for (name, value) in &credentials.headers {
        request.headers_mut().insert(name.clone(), value.clone());
    }
    body(operation, arguments, &mut request)?;
    Ok(request)
}

/// The parameters of one place that were sent.
fn of<'a>(
    operation: &'a Operation,
    place: Place,
    arguments: &'a Value,
) -> impl Iterator<Item = (&'a Parameter, &'a Value)> {
    let parameters = operation.parameters.iter().filter(move |one| one.place == place);
    parameters.filter_map(|one| Some((one, arguments.get(&one.argument)?)))
}

/// The path with its values. A value stays within its segment: it can neither add one nor take one away.
fn path(operation: &Operation, arguments: &Value) -> Result<String> {
    let mut path = String::new();
    let mut rest = operation.path.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        path.push_str(&encode::literal(before));
        let found = of(operation, Place::Path, arguments).find(|(one, _)| one.name == name);
        let Some((parameter, value)) = found else {
            return Err(Error::invalid(format!("`{name}` is missing")));
        };
        let written = parameter.writing.simple(value, encode::text);
        if written.is_empty() {
            return Err(wrong(parameter, "is empty, and it is a part of the path"));
        }
        path.push_str(&written);
        rest = after;
    }
    path.push_str(&encode::literal(rest));
    if path.split('/').any(|segment| matches!(segment, "." | "..")) {
        let part = of(operation, Place::Path, arguments)
            .find(|(_, value)| value.as_str().is_some_and(|text| text.starts_with('.')));
        return Err(match part {
            Some((parameter, _)) => wrong(parameter, "is `.` or `..`, which leads to another path"),
            None => Error::invalid("the arguments make a path with `.` or `..` in it"),
        });
    }
    Ok(path)
}

fn headers(operation: &Operation, arguments: &Value, request: &mut Request<Bytes>) -> Result<()> {
    let accept = HeaderValue::from_static("application/json, */*;q=0.8");
    request.headers_mut().insert(header::ACCEPT, accept);
    for (parameter, value) in of(operation, Place::Header, arguments) {
        let text = parameter.writing.simple(value, str::to_owned);
        let name = HeaderName::from_bytes(parameter.name.as_bytes());
        let value = HeaderValue::from_str(&text);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(wrong(
                parameter,
                "cannot stand in a header; use visible ASCII on one line",
            ));
        };
        request.headers_mut().insert(name, value);
    }
    let cookies: Vec<String> = of(operation, Place::Cookie, arguments)
        .flat_map(|(parameter, value)| parameter.writing.pairs(&parameter.name, value))
        .collect();
    if !cookies.is_empty() {
        let value = HeaderValue::from_str(&cookies.join("; ")).map_err(Error::internal)?;
        request.headers_mut().insert(header::COOKIE, value);
    }
    Ok(())
}

fn body(operation: &Operation, arguments: &Value, request: &mut Request<Bytes>) -> Result<()> {
    let Some(body) = &operation.body else {
        return Ok(());
    };
    let Some(value) = arguments.get(&body.argument) else {
        return Ok(());
    };
    let text = match &body.kind {
        Kind::Json => value.to_string(),
        Kind::Text => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        Kind::Form(writings) => {
            let Some(members) = value.as_object() else {
                let detail = "`body` must be an object: it is sent as a form";
                return Err(Error::invalid(detail).field("/body", detail, Vec::new()));
            };
            let usual = |value: &Value| {
                let style = if value.is_object() { Style::Json } else { Style::Form };
                Writing { style, explode: true, reserved: false }
            };
            let pairs = members.iter().flat_map(|(name, value)| {
                let writing = writings.get(name).copied().unwrap_or_else(|| usual(value));
                writing.pairs(name, value)
            });
            pairs.collect::<Vec<_>>().join("&")
        }
    };
    let media_type = HeaderValue::from_str(&body.media_type).map_err(Error::internal)?;
    request.headers_mut().insert(header::CONTENT_TYPE, media_type);
    *request.body_mut() = Bytes::from(text);
    Ok(())
}

fn wrong(parameter: &Parameter, what: &str) -> Error {
    let detail = format!("`{}` {what}", parameter.argument);
    let pointer = format!("/{}", parameter.argument);
    Error::invalid(detail.clone()).field(pointer, detail, Vec::new())
}
