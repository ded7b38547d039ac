//! Schemas that every vendor of models takes: one that a vendor refuses costs all tools of the request.

use mindflight_core::Provider;
use serde_json::Value;

use super::{Subject, with_kit};

/// Arguments are one plain object; no references, no lists of types, no `true` or `false` as a schema, and
/// every array says what is in it. Results have no references.
pub fn schemas_suit_every_model<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        for tool in kit.tools() {
            let name = &tool.name;
            let input = &tool.input_schema;
            assert_eq!(input["type"], "object", "the arguments of `{name}`");
            for word in ["anyOf", "oneOf", "allOf"] {
                let beside = input.get(word).is_none();
                assert!(beside, "the arguments of `{name}`: `{word}` beside the object");
            }
            let mut mistakes = Vec::new();
            look_at(input, name, &mut mistakes);
            references(&tool.output_schema, &format!("{name} (result)"), &mut mistakes);
            assert!(mistakes.is_empty(), "{mistakes:#?}");
        }
    });
}

fn look_at(schema: &Value, at: &str, mistakes: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        mistakes.push(format!("`{at}`: {schema} as a schema; give it a doc comment or a type"));
        return;
    };
    for word in ["$ref", "$defs", "definitions"] {
        if object.contains_key(word) {
            mistakes.push(format!(
                "`{at}`: `{word}`; types that contain themselves cannot be arguments"
            ));
        }
    }
    match object.get("type") {
        Some(Value::Array(types)) => {
            mistakes.push(format!("`{at}`: the list of types {types:?}; leave out what is null"));
        }
        Some(Value::String(kind)) if kind == "array" && !object.contains_key("items") => {
            mistakes.push(format!("`{at}`: an array of nothing known; add `items`"));
        }
        _ => {}
    }
    for (name, property) in
        object.get("properties").and_then(Value::as_object).into_iter().flatten()
    {
        look_at(property, &format!("{at}.{name}"), mistakes);
    }
    if let Some(items) = object.get("items") {
        look_at(items, &format!("{at}[]"), mistakes);
    }
    // Here alone, `true` and `false` are words that every vendor knows.
    if let Some(more) = object.get("additionalProperties").filter(|more| !more.is_boolean()) {
        look_at(more, &format!("{at}.*"), mistakes);
    }
    for word in ["anyOf", "oneOf", "allOf", "prefixItems"] {
        for schema in object.get(word).and_then(Value::as_array).into_iter().flatten() {
            look_at(schema, &format!("{at} ({word})"), mistakes);
        }
    }
}

fn references(schema: &Value, at: &str, mistakes: &mut Vec<String>) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("$ref") {
                mistakes.push(format!("`{at}`: `$ref`"));
            }
            object.values().for_each(|value| references(value, at, mistakes));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, at, mistakes)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
