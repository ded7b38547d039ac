//! Checks the whole against the schema: unknown names, wrong types, values out of range.

use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use mindflight_calls::nearest;
use serde_json::Value;

use super::ConfigMistake;
use super::known::Known;
use super::text::{choices, types};
use super::tree::Tree;

pub(super) fn check(tree: &Tree, known: &Known<'_>) -> Vec<ConfigMistake> {
    let validator = match jsonschema::options().offline().build(known.schema()) {
        Ok(validator) => validator,
        Err(error) => {
            return vec![ConfigMistake::of(format!(
                "the schema of the configuration is wrong: {error}"
            ))];
        }
    };
    let errors = validator.iter_errors(tree.values());
    errors.flat_map(|error| explain(&error, tree, known)).collect()
}

fn explain(error: &ValidationError<'_>, tree: &Tree, known: &Known<'_>) -> Vec<ConfigMistake> {
    let pointer = error.instance_path().to_string();
    let keys: Vec<String> = pointer.split('/').skip(1).map(unescape).collect();
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all else is a value that is not of the type it should be"
    )]
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|name| unknown(&keys, name, tree, known)).collect()
        }
        Kind::Required { property } => {
            let path = [keys.as_slice(), &[property.as_str().unwrap_or_default().to_owned()]]
                .concat()
                .join(".");
            vec![tree.mistake(&path, "is missing")]
        }
        _ => {
            let schema = known.at(settings_of(&keys), tree).unwrap_or_default();
            // An item of a list is what its list says.
            let item = schema.get("items").filter(|_| settings_of(&keys).len() < keys.len());
            let wanted = expected(item.unwrap_or(&schema));
            let got = match known.is_secret(&keys, tree) {
                true => String::new(),
                false => format!("; got {}", shown(error.instance())),
            };
            vec![tree.mistake(&keys.join("."), format!("must be {wanted}{got}"))]
        }
    }
}

/// The path without the places of lists.
fn settings_of(keys: &[String]) -> &[String] {
    let is_place = |key: &String| key.parse::<usize>().is_ok();
    let end = keys.iter().position(is_place).unwrap_or(keys.len());
    &keys[..end]
}

fn unknown(section: &[String], name: &str, tree: &Tree, known: &Known<'_>) -> ConfigMistake {
    let path = [section, &[name.to_owned()]].concat().join(".");
    let mut paths = known.paths();
    let place = path.strip_suffix(name).unwrap_or_default();
    // What a map holds, such as a kind of jobs, has settings that no path names.
    if !paths.iter().any(|other| other.starts_with(place)) {
        let own = known.at(section, tree).unwrap_or_default();
        let names = own["properties"].as_object().into_iter().flatten();
        paths.extend(names.map(|(key, _)| format!("{place}{key}")));
    }
    tree.mistake(&path, format!("is no setting{}", hint(&path, name, &paths)))
}

/// The nearest path: a sibling's, else one whose last word is near.
fn hint(path: &str, name: &str, paths: &[String]) -> String {
    let section = path.strip_suffix(name).unwrap_or_default();
    let siblings: Vec<&str> =
        paths.iter().filter_map(|other| other.strip_prefix(section)).collect();
    // A sibling may be a whole section: its first word.
    let first = |path: &'_ str| path.split('.').next().unwrap_or_default().to_owned();
    let mut words: Vec<String> = siblings.iter().map(|sibling| first(sibling)).collect();
    words.dedup();
    if let Some(near) = nearest(name, words.iter().map(String::as_str)).first() {
        return format!("; did you mean `{section}{near}`?");
    }
    let last = |path: &'_ str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let near = nearest(name, paths.iter().map(|path| path.rsplit('.').next().unwrap_or_default()));
    if let Some(path) = near.first().and_then(|near| paths.iter().find(|path| last(path) == *near))
    {
        return format!("; did you mean `{path}`?");
    }
    match words.is_empty() {
        true => String::new(),
        false => format!("; there are {}", words.join(", ")),
    }
}

/// What a schema wants, in words.
pub(super) fn expected(schema: &Value) -> String {
    let choices = choices(schema);
    if !choices.is_empty() {
        let null = if types(schema).contains(&"null") { " or null" } else { "" };
        return format!("one of {}{null}", choices.join(", "));
    }
    let mut words: Vec<String> = Vec::new();
    for name in types(schema) {
        words.push(match name {
            "integer" => match schema["minimum"].as_i64() {
                Some(least) => format!("a whole number, at least {least}"),
                None => "a whole number".to_owned(),
            },
            "number" => "a number".to_owned(),
            "boolean" => "true or false".to_owned(),
            "string" if schema.get("pattern").is_some() => {
                "a span of time: a whole number and ms, s, m, h or d, such as 30s".to_owned()
            }
            "string" => "text".to_owned(),
            "array" => "a list".to_owned(),
            "object" => "a section with settings of its own".to_owned(),
            other => other.to_owned(),
        });
    }
    words.join(" or ")
}

/// A value in few words.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let start: String = text.chars().take(60).collect();
            let more = if start.len() < text.len() { "…" } else { "" };
            format!("\"{start}{more}\"")
        }
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a section".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A token of a JSON Pointer (RFC 6901 §4).
fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
