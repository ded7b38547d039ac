//! Gives the texts of variables and flags the types that the schema wants.

use serde_json::Value;

use super::known::Known;
use super::tree::Tree;

/// Types every text of the tree. What fits no type stays text, and is told apart as a mistake later.
pub(super) fn convert(tree: &mut Tree, known: &Known<'_>) {
    for (path, origin) in tree.untyped() {
        let Some(text) = tree.text(&path.join(".")).map(str::to_owned) else {
            continue;
        };
        let Some(schema) = known.at(&path, tree) else {
            continue;
        };
        tree.set(&path, typed(&text, &schema), origin);
    }
}

/// `text` as the first type that `schema` allows and it can be.
pub(super) fn typed(text: &str, schema: &Value) -> Value {
    let bare = text.trim();
    let candidates = [
        ("null", null as fn(&str, &Value) -> Option<Value>),
        ("boolean", boolean),
        ("integer", number),
        ("number", number),
        ("array", list),
        ("object", mapping),
    ];
    let types = types(schema);
    let allowed = candidates.iter().filter(|(name, _)| types.contains(name));
    allowed.filter_map(|(_, read)| read(bare, schema)).next().unwrap_or_else(|| word(text, schema))
}

/// The JSON types that a schema allows, its alternatives included.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    let own: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    own.into_iter().chain(alternatives(schema).flat_map(types)).collect()
}

/// The values that a schema allows, where it lists them.
pub(super) fn choices(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
    listed.filter_map(Value::as_str).chain(alternatives(schema).flat_map(choices)).collect()
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten()
}

fn null(text: &str, _: &Value) -> Option<Value> {
    (text.is_empty() || text == "null").then_some(Value::Null)
}

fn boolean(text: &str, _: &Value) -> Option<Value> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(Value::Bool(true)),
        "false" | "0" | "no" | "off" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn number(text: &str, _: &Value) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_number)
}

/// `a,b`, or a JSON list.
fn list(text: &str, schema: &Value) -> Option<Value> {
    if text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    Some(items.map(|item| typed(item, &schema["items"])).collect())
}

fn mapping(text: &str, _: &Value) -> Option<Value> {
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// A text; where only a few are allowed, in any case.
fn word(text: &str, schema: &Value) -> Value {
    let lower = text.trim().to_ascii_lowercase();
    let choice = choices(schema).into_iter().find(|choice| *choice == lower);
    Value::from(choice.unwrap_or(text))
}
