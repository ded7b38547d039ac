//! The OpenAPI document: made from the table of operations and the mounted tools, so it cannot lie about either.

use actix_web::http::Method;
use actix_web::{HttpRequest, web};
use mindflight_api::{Problem, problem};
use mindflight_core::schema;
use serde_json::{Map, Value, json};

use super::tools::tagged;
use crate::operation::{Access, Operation};
use crate::refusal::Answer;
use crate::state::AppState;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/openapi.json", "getOpenApi", "This document", get)
            .public()
            .gives::<Value>()
            .uncounted(),
    ]
}

async fn get(request: HttpRequest, state: web::Data<AppState>) -> Answer {
    let mut document = document(&super::operations());
    if let Some(url) = &state.config.public_url {
        document["servers"] = json!([{"url": url}]);
    }
    // The tools are known only at run time; each is a path of its own beside the generic one.
    let catalog = state.calls.catalog();
    for tool in catalog.entries().iter().map(|entry| entry.listed()) {
        document["paths"][format!("/api/tools/{}", tool.name)] = json!({"post": {
            "operationId": format!("call_{}", tool.name),
            "summary": tool.title,
            "description": tool.description,
            "tags": ["tools"],
            "security": [{"bearer": []}],
            "requestBody": body(&tool.input_schema),
            "responses": responses(200, Some(&tool.output_schema)),
        }});
    }
    tagged(&request, &document)
}

/// The document of the operations alone.
fn document(operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations.iter().filter(|operation| !operation.alias) {
        let path = path(operation.path);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method.as_str().to_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "mindflight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Tools for AI agents over HTTP. Every error is a problem object (RFC 9457).",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": schema::of::<Problem>()},
            "securitySchemes": {"bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key (`mf_…`), or the token of a sign-in.",
            }},
            "responses": {"Problem": {
                "description": "What went wrong, whose fault it is, and what to do.",
                "content": {problem::MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
        },
    })
}

/// actix's `{key:.+}` is OpenAPI's `{key}`.
fn path(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part.split_once(':') {
        Some((name, _)) if part.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

fn described(operation: &Operation) -> Value {
    let names = operation.path.split('/').filter_map(|part| part.strip_prefix('{'));
    let in_path = names.map(|name| {
        let name = name.split([':', '}']).next().unwrap_or_default();
        json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
    });
    let in_query = operation.rules.query.iter().map(|(name, about)| {
        json!({"name": name, "in": "query", "description": about, "schema": {"type": "string"}})
    });
    let parameters: Vec<Value> = in_path.chain(in_query).collect();
    let answer = operation.answer.map(|answer| answer());
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [tag(operation.path)],
        "parameters": parameters,
        "responses": responses(operation.status, answer.as_ref()),
    });
    match &operation.rules.access {
        Access::Public => described["security"] = json!([]),
        Access::Caller => described["security"] = json!([{"bearer": []}]),
        Access::Scope(scope) => {
            described["security"] = json!([{"bearer": []}]);
            described["description"] = json!(format!("Needs the scope `{scope}`."));
        }
    }
    if let Some(takes) = operation.body {
        described["requestBody"] = body(&takes());
    }
    described
}

fn body(schema: &Value) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

fn responses(status: u16, answer: Option<&Value>) -> Value {
    let good = match answer {
        Some(schema) => {
            json!({"description": "Done.", "content": {"application/json": {"schema": schema}}})
        }
        None => json!({"description": "Done."}),
    };
    json!({status.to_string(): good, "default": {"$ref": "#/components/responses/Problem"}})
}

fn tag(path: &str) -> &str {
    let rest = path.strip_prefix("/api").unwrap_or(path);
    match rest.split('/').find(|part| !part.is_empty()) {
        Some("login" | "logout" | "me" | "users" | "keys" | "auth") => "access",
        Some("health" | "healthz" | "metrics" | "openapi.json") => "operations",
        Some("info") => "slop",
        Some("tools") if !path.starts_with("/api") => "slop",
        Some(first) => first,
        None => "slop",
    }
}
