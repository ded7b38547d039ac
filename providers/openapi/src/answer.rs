//! What a tool answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Response, header};
use serde_json::{Map, Value, json};

use crate::auth::Credentials;

/// Headers that say how to go on: the next page, the place of what was made, how long to wait.
const TELLING: [&str; 14] = [
    "content-range",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "x-next-cursor",
    "x-next-page",
    "x-page",
    "x-per-page",
    "x-prev-page",
    "x-total",
    "x-total-count",
    "x-total-pages",
];

/// JSON Schema of every tool's result. What the document says of answers is not enforced: services differ from it.
pub(crate) fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "status": {"type": "integer", "description": "The status of the answer, below 400."},
            "headers": {
                "type": "object",
                "description": "Headers that say how to go on, such as `link` and `location`.",
                "additionalProperties": {"type": "string"}
            },
            "body": {"description": "The body: JSON, or a text; null if it is empty."},
            "encoding": {
                "type": "string", "enum": ["base64"],
                "description": "There if the body is neither JSON nor text, and base64 therefore."
            }
        },
        "required": ["status", "body"],
        "additionalProperties": false
    })
}

/// The answer as a result.
pub(crate) fn read(answer: &Response<Bytes>, credentials: &Credentials) -> Value {
    let mut result = Map::new();
    result.insert("status".to_owned(), json!(answer.status().as_u16()));
    let headers = telling(answer.headers(), credentials);
    if !headers.is_empty() {
        result.insert("headers".to_owned(), Value::Object(headers));
    }
    let bytes = answer.body();
    let body = match std::str::from_utf8(bytes) {
        Ok("") => Value::Null,
        Ok(text) => {
            let clean = credentials.redact(text);
            let text = clean.as_deref().unwrap_or(text);
            let json = is_json(answer.headers(), text).then(|| serde_json::from_str(text).ok());
            json.flatten().unwrap_or_else(|| json!(text))
        }
        Err(_) => {
            result.insert("encoding".to_owned(), json!("base64"));
            json!(STANDARD.encode(bytes))
        }
    };
    result.insert("body".to_owned(), body);
    Value::Object(result)
}

fn telling(headers: &HeaderMap, credentials: &Credentials) -> Map<String, Value> {
    let mut told: Map<String, Value> = Map::new();
    for name in headers.keys() {
        let is_limit = name.as_str().contains("ratelimit") || name.as_str().contains("rate-limit");
        if !TELLING.contains(&name.as_str()) && !is_limit {
            continue;
        }
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        let text = values.join(", ");
        let text = credentials.redact(&text).unwrap_or(text);
        told.insert(name.as_str().to_owned(), json!(text));
    }
    told
}

/// Services forget the content type, or call JSON a text.
fn is_json(headers: &HeaderMap, text: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.ends_with("/json") || kind.ends_with("+json") || text.trim_start().starts_with(['{', '['])
}
