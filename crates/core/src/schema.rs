//! JSON Schemas of arguments, results and configuration, in the form that models' vendors accept.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The schema of `T` (JSON Schema 2020-12) with references inlined: several vendors refuse `$ref`.
#[must_use]
pub fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
    }
    schema
}

/// The schema of arguments of type `T`: always an object, closed unless `open`.
#[must_use]
pub fn arguments<T: JsonSchema>() -> Value {
    closed(of::<T>(), false)
}

/// The schema of a tool's arguments: as [`arguments`], and what is optional is left out rather than null.
/// Several vendors refuse a list of types, and refuse every other tool of the request with it.
#[must_use]
pub fn tool_arguments<T: JsonSchema>() -> Value {
    let mut schema = arguments::<T>();
    optional_without_null(&mut schema);
    schema
}

/// `schema` as a schema of arguments: an object that refuses unknown members unless `open`.
#[must_use]
pub fn closed(mut schema: Value, open: bool) -> Value {
    if !schema.is_object() {
        schema = json!({});
    }
    if let Some(object) = schema.as_object_mut() {
        // Tools without arguments take `()`, whose schema is null.
        if object.get("type").is_none_or(|kind| kind == "null") {
            object.insert("type".to_owned(), json!("object"));
        }
        if object.get("type") == Some(&json!("object")) {
            object.entry("properties").or_insert_with(|| json!({}));
        }
        if open {
            object.remove("additionalProperties");
        } else if object.get("anyOf").is_none() && object.get("oneOf").is_none() {
            object.entry("additionalProperties").or_insert(json!(false));
        }
    }
    schema
}

/// Takes `null` out of the properties that need not be sent, here and below.
fn optional_without_null(schema: &mut Value) {
    let Value::Object(object) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(optional_without_null);
        }
        return;
    };
    let required = object.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().is_some_and(|all| all.contains(&json!(name)));
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        let optional = properties.iter_mut().filter(|(name, _)| !is_required(name));
        optional.for_each(|(_, property)| without_null(property));
    }
    object.values_mut().for_each(optional_without_null);
}

/// `["integer", "null"]` becomes `integer`, and any of something and null becomes that thing.
fn without_null(property: &mut Value) {
    let Value::Object(object) = property else {
        return;
    };
    let null = json!({"type": "null"});
    for (list, nothing) in [("type", json!("null")), ("enum", Value::Null), ("anyOf", null)] {
        if let Some(Value::Array(items)) = object.get_mut(list) {
            items.retain(|item| *item != nothing);
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some([kind]) = object.get("type").and_then(Value::as_array).map(Vec::as_slice) {
        let kind = kind.clone();
        object.insert("type".to_owned(), kind);
    }
    if let Some([Value::Object(only)]) =
        object.get("anyOf").and_then(Value::as_array).map(Vec::as_slice)
    {
        let only = only.clone();
        object.remove("anyOf");
        // What stands beside `anyOf`, such as the field's own description, comes first.
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// Removes the number formats of Rust (`uint32`, `double`): no vendor knows them, and the bounds say it already.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let rust = ["int", "uint", "float", "double"];
            let format = object.get("format").and_then(Value::as_str).unwrap_or_default();
            if object.contains_key("type") && rust.iter().any(|name| format.starts_with(name)) {
                object.remove("format");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Args {
        /// How many.
        count: u32,
        inner: Option<Inner>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Inner {
        ratio: f64,
    }

    #[test]
    fn a_schema_of_arguments_is_closed_and_has_no_references() {
        let schema = arguments::<Args>();
        let text = schema.to_string();
        assert!(
            !text.contains("$ref") && !text.contains("$defs") && !text.contains("uint32"),
            "{text}"
        );
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["count"]["description"], json!("How many."));
        assert_eq!(schema["properties"]["count"]["minimum"], json!(0));
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    struct Optional {
        needed: String,
        count: Option<u32>,
        list: Option<Vec<Option<String>>>,
        unit: Option<Unit>,
        inner: Option<Inner>,
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is looked at")]
    enum Unit {
        /// Metres.
        Metric,
        /// Feet.
        Imperial,
    }

    #[test]
    fn an_optional_argument_of_a_tool_is_left_out_rather_than_null() {
        let schema = tool_arguments::<Optional>();
        let properties = &schema["properties"];
        assert_eq!(properties["count"], json!({"type": "integer", "minimum": 0}));
        assert_eq!(properties["list"]["type"], json!("array"));
        assert!(properties["unit"]["oneOf"].is_array(), "{schema}");
        assert_eq!(schema["required"], json!(["needed"]));
        // In a list, null is a value and not something left out.
        assert_eq!(properties["list"]["items"]["type"], json!(["string", "null"]));
    }

    #[test]
    fn no_arguments_are_an_empty_object() {
        assert_eq!(
            arguments::<()>(),
            json!({"type": "object", "properties": {}, "additionalProperties": false})
        );
    }
}
