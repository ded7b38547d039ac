//! The one character that PostgreSQL cannot store in a text.

use serde_json::Value;

/// A value as JSON text, and whether it has the NUL character.
#[must_use]
pub fn to_json(value: &Value) -> (String, bool) {
    // It cannot fail for a value, and is faster than the writer of `Display`.
    let text = serde_json::to_string(value).unwrap_or_else(|_| value.to_string());
    // Only an escaped one can be in a JSON text, and only then is a closer look needed.
    let has_nul = text.contains("\\u0000") && has_nul(value);
    (text, has_nul)
}

/// Whether a value has the NUL character in a string or in a member's name.
#[must_use]
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains('\0') || has_nul(member))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_looks_like_the_character_is_none() {
        for (value, is_one) in [
            (json!({"a": ["\0"]}), true),
            (json!({"\0": 1}), true),
            (json!("a\\\0"), true),
            (json!({"a": "\\u0000", "\\\\u0000": "0"}), false),
        ] {
            assert_eq!(to_json(&value), (value.to_string(), is_one));
        }
    }
}
