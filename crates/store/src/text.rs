//! PostgreSQL's text cannot hold the NUL character: it is refused by name, or made visible where nothing may be refused.

use std::borrow::Cow;

use mindflight_core::nul::has_nul;
use serde_json::{Map, Value};

use crate::{Error, Result};

const NUL: char = '\0';
/// What stands for it where nothing may be refused.
const SEEN: &str = "\u{fffd}";

/// Refuses a text with NUL.
pub(crate) fn check(field: &str, text: &str) -> Result<()> {
    if text.contains(NUL) {
        return Err(Error::Nul(field.to_owned()));
    }
    Ok(())
}

/// Refuses JSON with NUL in a string or in a member's name.
pub(crate) fn check_json(field: &str, value: &Value) -> Result<()> {
    if has_nul(value) {
        return Err(Error::Nul(field.to_owned()));
    }
    Ok(())
}

/// The text, with NUL made visible.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(NUL) { Cow::Owned(text.replace(NUL, SEEN)) } else { Cow::Borrowed(text) }
}

/// The JSON, with NUL made visible.
pub(crate) fn visible_json(value: &Value) -> Cow<'_, Value> {
    if has_nul(value) { Cow::Owned(made_visible(value)) } else { Cow::Borrowed(value) }
}

fn made_visible(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(visible(text).into_owned()),
        Value::Array(items) => items.iter().map(made_visible).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (visible(name).into_owned(), made_visible(member)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_found_wherever_it_hides() {
        for value in [json!("a\0"), json!([1, ["\0"]]), json!({"a": {"\0": 1}})] {
            let error = check_json("value", &value).unwrap_err();
            assert!(error.to_string().contains("`value`"), "{error}");
            assert!(check_json("value", &visible_json(&value)).is_ok());
        }
        assert!(check_json("value", &json!({"text": "\\u0000", "number": 0})).is_ok());
    }
}
