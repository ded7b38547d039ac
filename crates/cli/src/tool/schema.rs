//! Reading a tool's JSON Schemas: types for the words of a call, a description for people.

use mindflight_api::tool::Tool;
use serde_json::Value;

/// How deep references and alternatives are followed; schemas may refer to themselves.
const DEPTH: usize = 8;

/// The JSON types that a schema allows; none if it does not say.
#[derive(Debug, Default)]
pub(super) struct Types(Vec<String>);

impl Types {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, name: &str) {
        if !self.has(name) {
            self.0.push(name.to_owned());
        }
    }
}

/// The schema of one argument.
pub(super) fn property<'a>(root: &'a Value, name: &str) -> Option<&'a Value> {
    resolve(root, root).get("properties")?.get(name)
}

/// The schema of a list's items.
pub(super) fn items<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    resolve(schema, root).get("items")
}

/// Every type that the schema allows, in any of its alternatives.
pub(super) fn types(schema: &Value, root: &Value) -> Types {
    let mut found = Types::default();
    collect(schema, root, DEPTH, &mut found);
    found
}

/// A tool for people: what it does, what it takes, what it answers.
pub(super) fn describe(tool: &Tool) -> Vec<String> {
    let mut lines = vec![format!("{} (provider {}): {}", tool.name, tool.provider, tool.title)];
    lines.extend(tool.description.lines().map(str::to_owned));
    for (title, schema) in [("arguments", &tool.input_schema), ("result", &tool.output_schema)] {
        lines.push(String::new());
        lines.push(title.to_owned());
        lines.extend(members(schema));
    }
    let marks = &tool.annotations;
    let flags = [
        (marks.read_only, "read-only"),
        (marks.destructive, "destructive"),
        (marks.idempotent, "idempotent"),
        (marks.transactional, "transactional"),
    ];
    let mut facts: Vec<String> =
        flags.iter().filter(|(set, _)| *set).map(|(_, name)| (*name).to_owned()).collect();
    facts.push(format!("cut after {} ms", marks.timeout_ms));
    facts.extend(marks.scope.iter().map(|scope| format!("needs scope {scope}")));
    facts.extend(marks.aliases.iter().map(|alias| format!("also called {alias}")));
    lines.push(String::new());
    lines.push(facts.join(", "));
    lines
}

fn members(root: &Value) -> Vec<String> {
    let schema = resolve(root, root);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        let kind = kind(root, root);
        return vec![format!("  {kind}")];
    };
    if properties.is_empty() {
        return vec!["  none".to_owned()];
    }
    let empty = Vec::new();
    let required = schema.get("required").and_then(Value::as_array).unwrap_or(&empty);
    let width = properties.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let line = |(name, property): (&String, &Value)| {
        let needed = if required.iter().any(|known| known == name) { ", required" } else { "" };
        let default = property.get("default").map(|value| format!(", default {value}"));
        let about = resolve(property, root).get("description").or(property.get("description"));
        let about = about.and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
        let kind = kind(property, root);
        let line =
            format!("  {name:<width$}  {kind}{needed}{}  {about}", default.unwrap_or_default());
        line.trim_end().to_owned()
    };
    properties.iter().map(line).collect()
}

/// The type in words: `integer`, `"a" | "b"`, `array of string`.
fn kind(schema: &Value, root: &Value) -> String {
    let resolved = resolve(schema, root);
    if let Some(values) = resolved.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return values.join(" | ");
    }
    if let Some(value) = resolved.get("const") {
        return value.to_string();
    }
    let types = types(schema, root);
    if types.is_empty() {
        return "anything".to_owned();
    }
    let named = types.0.iter().map(|name| match items(resolved, root) {
        Some(of) if name == "array" => {
            let inner = self::types(of, root);
            let inner = if inner.is_empty() { "anything".to_owned() } else { inner.0.join(" or ") };
            format!("array of {inner}")
        }
        Some(_) | None => name.clone(),
    });
    named.collect::<Vec<_>>().join(" or ")
}

fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    for _ in 0..DEPTH {
        let Some(pointer) = schema.get("$ref").and_then(Value::as_str) else {
            break;
        };
        let Some(target) = pointer.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
        else {
            break;
        };
        schema = target;
    }
    schema
}

fn collect(schema: &Value, root: &Value, depth: usize, found: &mut Types) {
    if depth == 0 {
        return;
    }
    let schema = resolve(schema, root);
    if let Some(name) = schema.get("type").and_then(Value::as_str) {
        found.add(name);
    }
    for name in schema.get("type").and_then(Value::as_array).into_iter().flatten() {
        name.as_str().into_iter().for_each(|name| found.add(name));
    }
    if schema.get("type").is_none() {
        let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
        listed.chain(schema.get("const")).for_each(|value| found.add(type_of(value)));
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        for inner in schema.get(word).and_then(Value::as_array).into_iter().flatten() {
            collect(inner, root, depth - 1, found);
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tool_is_described_for_people() {
        let tool: Tool = serde_json::from_value(json!({
            "name": "demo_greet", "provider": "demo", "title": "Greet", "description": "Greets.\nPolitely.",
            "input_schema": {
                "properties": {
                    "name": {"type": "string", "description": "Whom."},
                    "tags": {"type": "array", "items": {"type": "string"}},
                    "tone": {"$ref": "#/$defs/Tone", "default": "dry"},
                },
                "required": ["name"], "$defs": {"Tone": {"enum": ["dry", "warm"]}},
            },
            "output_schema": {"type": "string"},
            "annotations": {"read_only": true, "destructive": false, "idempotent": true, "transactional": false, "timeout_ms": 30000},
        }))
        .unwrap();
        let expected = "demo_greet (provider demo): Greet\nGreets.\nPolitely.\n\narguments\n  \
            name  string, required  Whom.\n  tags  array of string\n  tone  \"dry\" | \"warm\", default \"dry\"\n\n\
            result\n  string\n\nread-only, idempotent, cut after 30000 ms";
        assert_eq!(describe(&tool).join("\n"), expected);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let root = json!({"$defs": {"A": {"anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]}, "B": {"$ref": "#/$defs/B"}}});
        assert!(types(&json!({"$ref": "#/$defs/A"}), &root).has("null"));
        assert!(types(&json!({"$ref": "#/$defs/B"}), &root).is_empty());
    }
}
