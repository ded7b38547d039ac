//! Places in a JSON body, as answers name them (JSON Pointer, RFC 6901).

use mindflight_api::codes;
use mindflight_core::{Error, Result};
use serde_json::Value;

/// A member's name as a token of a JSON Pointer (RFC 6901 §3).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Refuses a body with NUL in a text, which cannot be stored.
pub(crate) fn refuse_nul(body: &Value) -> Result<()> {
    let Some(place) = nul(body, String::new()) else { return Ok(()) };
    let detail =
        format!("the NUL character (\\u0000) is not allowed in stored text; `{place}` has one");
    let error = Error::of(codes::INVALID_REQUEST, detail.clone());
    Err(error.field(place, detail, Vec::new()))
}

/// The place of the first text with NUL.
fn nul(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| nul(item, format!("{at}/{n}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') {
                return Some(at.clone());
            }
            nul(member, format!("{at}/{}", escape(name)))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}
