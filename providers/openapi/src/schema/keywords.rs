//! The words of one schema that hold no further schemas: which are kept, and in which form.

use serde_json::{Map, Value, json};

use super::Node;
use crate::about;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];

/// Formats that every vendor takes. The others are about machine types, or a vendor's own.
const FORMATS: [&str; 9] =
    ["date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];

/// The longest example that is worth its place.
const LONGEST_EXAMPLE: usize = 60;

/// The words that are kept as they are, or nearly.
pub(super) fn plain(object: &Map<String, Value>) -> Node {
    let (kinds, mut nullable) = kinds(object);
    let mut words = Map::new();
    match kinds.as_slice() {
        [] => {}
        [kind] => drop(words.insert("type".to_owned(), json!(kind))),
        several => {
            drop(words.insert("anyOf".to_owned(), several.iter().map(|kind| one(kind)).collect()))
        }
    }
    let (description, pattern) = (description(object), object.get("pattern"));
    let mut texts = Vec::from_iter(description);
    match pattern.and_then(Value::as_str) {
        Some(pattern) if is_plain(pattern) => {
            drop(words.insert("pattern".to_owned(), json!(pattern)))
        }
        Some(pattern) => texts.push(format!("Matches `{pattern}`.")),
        None => {}
    }
    let choices = choices(object);
    bounds(object, &mut words);
    if let Some(choices) = &choices {
        nullable |= choices.contains(&Value::Null);
        texts.extend(choose(choices, &mut words));
    } else if let Some(example) = example(object) {
        texts.push(format!("Example: {example}."));
    }
    if !texts.is_empty() {
        words.insert("description".to_owned(), json!(texts.join(" ")));
    }
    if let Some(default) = object.get("default").filter(|default| !default.is_null()) {
        words.insert("default".to_owned(), default.clone());
    }
    if let Some(required) = object.get("required").and_then(Value::as_array) {
        let mut names: Vec<Value> =
            required.iter().filter(|name| name.is_string()).cloned().collect();
        names.dedup();
        if !names.is_empty() {
            words.insert("required".to_owned(), Value::Array(names));
        }
    }
    Node { words, nullable, ..Node::default() }
}

/// The types of a schema without null, and whether it may be null. Types that nobody names are guessed from the rest.
pub(super) fn kinds(object: &Map<String, Value>) -> (Vec<String>, bool) {
    let kind = object.get("type");
    let list = kind.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named: Vec<&str> = kind.into_iter().chain(list).filter_map(Value::as_str).collect();
    let mut nullable =
        object.get("nullable") == Some(&json!(true)) || named.len() > 1 && named.contains(&"null");
    let known = named.iter().filter(|kind| TYPES.contains(kind));
    let mut kinds: Vec<String> = known.map(|&kind| kind.to_owned()).collect();
    if kinds.len() > 1 {
        kinds.retain(|kind| kind != "null");
    }
    if kinds.len() > 1 && kinds.iter().any(|kind| kind == "number") {
        kinds.retain(|kind| kind != "integer");
    }
    if kinds.is_empty() {
        let guess = if object.get("properties").is_some_and(Value::is_object) {
            Some("object")
        } else if object.contains_key("items") {
            Some("array")
        } else {
            choices(object).and_then(|all| kind_of_all(&all))
        };
        kinds.extend(guess.map(str::to_owned));
        nullable |= object.get("const") == Some(&Value::Null);
    }
    (kinds, nullable)
}

/// Allowed values: texts as they are. Some vendors take no others in an `enum`, so others are said, and numbers bounded.
fn choose(choices: &[Value], words: &mut Map<String, Value>) -> Option<String> {
    let choices: Vec<&Value> = choices.iter().filter(|one| !one.is_null()).collect();
    if choices.is_empty() {
        return None;
    }
    if choices.iter().all(|one| one.is_string()) {
        words.insert("enum".to_owned(), json!(choices));
        return None;
    }
    if choices.iter().all(|one| one.is_number()) {
        let number = |one: &&&Value| one.as_f64().unwrap_or_default();
        let by = |a: &&&Value, b: &&&Value| number(a).total_cmp(&number(b));
        if let Some((least, most)) = choices.iter().min_by(by).zip(choices.iter().max_by(by)) {
            words.insert("minimum".to_owned(), (*least).clone());
            words.insert("maximum".to_owned(), (*most).clone());
        }
    }
    let list: Vec<String> = choices.iter().map(ToString::to_string).collect();
    Some(format!("Allowed: {}.", list.join(", ")))
}

/// A schema of one of several types.
fn one(kind: &str) -> Value {
    match kind {
        "array" => json!({"type": "array", "items": {}}),
        kind => json!({"type": kind}),
    }
}

fn kind_of_all(values: &[Value]) -> Option<&'static str> {
    let kind = |value: &Value| match value {
        Value::String(_) => Some("string"),
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) if number.is_f64() => Some("number"),
        Value::Number(_) => Some("integer"),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let mut kinds = values.iter().filter(|value| !value.is_null()).map(kind);
    let first = kinds.next()??;
    kinds.all(|kind| kind == Some(first)).then_some(first)
}

/// The allowed values, where they are named: `enum`, or the one of `const`.
fn choices(object: &Map<String, Value>) -> Option<Vec<Value>> {
    if let Some(only) = object.get("const") {
        return Some(vec![only.clone()]);
    }
    let all = object.get("enum")?.as_array()?;
    let mut choices: Vec<Value> = Vec::new();
    for choice in all {
        if !choices.contains(choice) {
            choices.push(choice.clone());
        }
    }
    (!choices.is_empty()).then_some(choices)
}

fn description(object: &Map<String, Value>) -> Option<String> {
    let text = object.get("description").or_else(|| object.get("title"))?.as_str()?;
    let line = about::line(text);
    (!line.is_empty()).then_some(line)
}

fn example(object: &Map<String, Value>) -> Option<String> {
    let first = || object.get("examples").and_then(|all| all.get(0));
    let example = object.get("example").or_else(first)?;
    let text = match example.as_str().filter(|text| !text.is_empty()) {
        Some(text) => format!("`{text}`"),
        None => example.as_number()?.to_string(),
    };
    (text.chars().count() <= LONGEST_EXAMPLE && !text.contains('\n')).then_some(text)
}

/// Limits that have the form which JSON Schema wants; OpenAPI 3.0 writes exclusive ones as a flag.
fn bounds(object: &Map<String, Value>, words: &mut Map<String, Value>) {
    for (word, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let limit = object.get(word).filter(|limit| limit.is_number());
        match (limit, object.get(exclusive)) {
            (Some(limit), Some(Value::Bool(true))) => {
                words.insert(exclusive.to_owned(), limit.clone());
                continue;
            }
            (_, Some(own @ Value::Number(_))) => {
                drop(words.insert(exclusive.to_owned(), own.clone()))
            }
            _ => {}
        }
        if let Some(limit) = limit {
            words.insert(word.to_owned(), limit.clone());
        }
    }
    let sizes =
        ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
    for word in sizes {
        if let Some(size) = object.get(word).filter(|size| size.is_u64()) {
            words.insert(word.to_owned(), size.clone());
        }
    }
    if let Some(step) =
        object.get("multipleOf").filter(|step| step.as_f64().is_some_and(|s| s > 0.0))
    {
        words.insert("multipleOf".to_owned(), step.clone());
    }
    if object.get("uniqueItems") == Some(&json!(true)) {
        words.insert("uniqueItems".to_owned(), json!(true));
    }
    let format = object.get("format").and_then(Value::as_str);
    if let Some(format) = format.filter(|format| FORMATS.contains(format)) {
        words.insert("format".to_owned(), json!(format));
    }
}

/// Whether every engine reads the pattern alike: no look-around, no references back, brackets that close.
fn is_plain(pattern: &str) -> bool {
    let mut letters = pattern.chars().peekable();
    let (mut groups, mut in_class) = (0_i32, false);
    while let Some(c) = letters.next() {
        let next = letters.peek().copied();
        match c {
            '\\' => {
                if !next.is_some_and(|c| "dDwWsStnrf".contains(c) || c.is_ascii_punctuation()) {
                    return false;
                }
                letters.next();
            }
            // Nested classes and set operations are read in different ways.
            '[' if in_class => return false,
            '&' | '-' | '~' if in_class && next == Some(c) => return false,
            '[' => in_class = true,
            ']' if !in_class => return false,
            ']' => in_class = false,
            '(' if !in_class => {
                groups += 1;
                if next == Some('?') {
                    letters.next();
                    if letters.next() != Some(':') {
                        return false;
                    }
                }
            }
            ')' if !in_class => groups -= 1,
            // A brace that is no count is an error for some.
            '{' if !in_class && !next.is_some_and(|c| c.is_ascii_digit()) => return false,
            _ => {}
        }
        if groups < 0 {
            return false;
        }
    }
    groups == 0 && !in_class && !pattern.starts_with(['*', '+', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_engines_read_differently_are_found() {
        for plain in ["^[a-z0-9_]+$", r"^\d{4}-\d{2}$", "^(?:a|b)*$", r"[^\]]"] {
            assert!(is_plain(plain), "{plain}");
        }
        for odd in
            ["(?=a)", "(?<n>a)", r"(a)\1", "[a", "(a", "a)", r"\u0041", "[a&&b]", "a{,3}", "*a"]
        {
            assert!(!is_plain(odd), "{odd}");
        }
    }
}
