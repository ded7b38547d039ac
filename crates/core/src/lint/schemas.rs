//! P2: schemas that every vendor of models takes. One that a vendor refuses costs all tools of the request.

use serde_json::Value;

use super::rules::{P201, P202, P203, P204, P205, P206, P207, P208, P209, P210, P211};
use super::{Findings, Subject, members};

const FORMATS: &[&str] =
    &["date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uuid"];
/// Beginnings of the formats that only Rust has.
const RUST: &[&str] = &["double", "float", "int", "uint"];
const DEEPEST: usize = 5;
const MOST: usize = 100;
const LONGEST_NAME: usize = 64;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    for tool in &subject.surface.tools {
        let at = subject.tool(&tool.name);
        root(&tool.input, &at, found);
        let mut walk = Walk { at: &at, properties: 0, deepest: 0, found };
        walk.schema(&tool.input, "", 0);
        let (properties, deepest) = (walk.properties, walk.deepest);
        if deepest > DEEPEST {
            found.add(&P208, &at, format!("{deepest} levels"));
        }
        if properties > MOST {
            found.add(&P209, &at, format!("{properties} properties"));
        }
        references(&tool.output, &at, found);
    }
}

fn root(input: &Value, at: &str, found: &mut Findings) {
    if input["type"] != "object" {
        found.add(&P205, at, format!("`type` is {}", input["type"]));
    }
    for word in ["anyOf", "oneOf", "allOf"] {
        if input.get(word).is_some() {
            found.add(&P205, at, format!("`{word}` stands beside the object"));
        }
    }
}

struct Walk<'a> {
    at: &'a str,
    properties: usize,
    deepest: usize,
    found: &'a mut Findings,
}

impl Walk<'_> {
    fn place(&self, path: &str) -> String {
        match path {
            "" => self.at.to_owned(),
            path => format!("{}, argument {path}", self.at),
        }
    }

    fn schema(&mut self, schema: &Value, path: &str, depth: usize) {
        let at = self.place(path);
        let Some(object) = schema.as_object() else {
            return self.found.add(&P203, at, format!("`{schema}` as a schema"));
        };
        self.words(schema, &at);
        if object.contains_key("properties") {
            self.deepest = self.deepest.max(depth + 1);
        }
        let below = |name: &str| match path {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        for (name, property) in members(schema, "properties") {
            self.properties += 1;
            let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(legal) {
                let detail = format!("`{name}` is no name of an argument");
                self.found.add(&P210, &at, detail);
            }
            self.schema(property, &below(name), depth + 1);
        }
        if let Some(items) = object.get("items") {
            self.schema(items, &format!("{path}[]"), depth);
        }
        // Here alone, `true` and `false` are words that every vendor knows.
        if let Some(more) = object.get("additionalProperties").filter(|more| !more.is_boolean()) {
            self.schema(more, &below("*"), depth + 1);
        }
        for word in ["anyOf", "oneOf", "allOf", "prefixItems"] {
            for choice in object.get(word).and_then(Value::as_array).into_iter().flatten() {
                self.schema(choice, path, depth);
            }
        }
    }

    /// The words of one schema, without those inside it.
    fn words(&mut self, schema: &Value, at: &str) {
        for word in ["$ref", "$defs", "definitions"] {
            if schema.get(word).is_some() {
                self.found.add(&P202, at, format!("`{word}`"));
            }
        }
        let kind = &schema["type"];
        if kind.is_array() {
            self.found.add(&P201, at, format!("`type` is {kind}"));
        }
        if kind == "array" && schema.get("items").is_none() {
            self.found.add(&P204, at, "an array without `items`");
        }
        if let Some(format) = schema["format"].as_str().filter(|format| !FORMATS.contains(format)) {
            let of_rust = RUST.iter().any(|name| format.starts_with(name)) && kind != "string";
            let rule = if of_rust { &P207 } else { &P206 };
            self.found.add(rule, at, format!("`format` is `{format}`"));
        }
        let choices = schema["enum"].as_array().into_iter().flatten();
        if let Some(other) = choices.into_iter().find(|choice| !choice.is_string()) {
            self.found.add(&P211, at, format!("`enum` has {other}"));
        }
    }
}

/// Results are read by programs more than by vendors; what cannot be resolved helps neither.
fn references(schema: &Value, at: &str, found: &mut Findings) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("$ref") {
                found.add(&P202, format!("{at}, result"), "`$ref`");
            }
            object.values().for_each(|value| references(value, at, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, at, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
