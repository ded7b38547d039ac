//! `key=value` words as JSON, typed by the tool's input schema.

use std::fs;

use serde_json::{Map, Value};

use super::schema::{Types, items, property, types};
use crate::{Failure, Streams};

/// The arguments as they were written.
pub(crate) enum Given {
    /// As words `key=value`.
    Words(Vec<(String, String)>),
    /// As one JSON object.
    Json(Value),
}

impl Given {
    /// Reads the text behind `flag` (or the file or pipe that it names), or the words if there is none.
    pub(crate) fn read(
        flag: &str,
        json: Option<&str>,
        words: &[String],
        streams: &mut Streams<'_>,
    ) -> Result<Self, Failure> {
        let Some(json) = json else {
            return split(words, flag).map(Self::Words);
        };
        let (value, origin) = value_of(flag, json, "the flag", streams)?;
        if value.is_object() {
            return Ok(Self::Json(value));
        }
        Err(Failure::usage(format!(
            "{flag}: {origin} must hold a JSON object, the arguments by name"
        )))
    }
}

/// Reads JSON: the text behind `name`, or the file or pipe that it names. Also tells where it was read from, which is
/// `here` for the text itself.
pub(crate) fn value_of<'a>(
    name: &str,
    text: &'a str,
    here: &'a str,
    streams: &mut Streams<'_>,
) -> Result<(Value, &'a str), Failure> {
    let (bytes, origin) = if text == "-" {
        let mut bytes = Vec::new();
        streams
            .input
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::usage("standard input cannot be read").because(&error))?;
        (bytes, "standard input")
    } else if let Some(file) = text.strip_prefix('@') {
        let bytes = fs::read(file).map_err(|error| {
            Failure::usage(format!("{name}: the file {file} cannot be read")).because(&error)
        })?;
        (bytes, file)
    } else {
        (text.as_bytes().to_vec(), here)
    };
    let value = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::usage(format!("{name}: {origin} is not JSON")).because(&error))?;
    Ok((value, origin))
}

/// Splits each word at its first `=`.
fn split(words: &[String], flag: &str) -> Result<Vec<(String, String)>, Failure> {
    let split_one = |word: &String| match word.split_once('=') {
        Some((key, text)) if !key.is_empty() => Ok((key.to_owned(), text.to_owned())),
        Some(_) | None => Err(Failure::usage(format!("`{word}` is not an argument"))
            .fix(format!("Write key=value, or all arguments as {flag} '{{…}}'."))),
    };
    words.iter().map(split_one).collect()
}

/// The arguments as one object; a key that stands several times is a list.
pub(crate) fn typed(
    words: Vec<(String, String)>,
    schema: Option<&Value>,
) -> Result<Value, Failure> {
    let mut grouped: Vec<(String, Vec<String>)> = Vec::new();
    for (key, text) in words {
        match grouped.iter_mut().find(|(known, _)| *known == key) {
            Some((_, texts)) => texts.push(text),
            None => grouped.push((key, vec![text])),
        }
    }
    let root = schema.unwrap_or(&Value::Null);
    let mut arguments = Map::new();
    for (key, texts) in grouped {
        let property = property(root, &key);
        let value = argument(&key, &texts, property, root)?;
        arguments.insert(key, value);
    }
    Ok(Value::Object(arguments))
}

fn argument(
    key: &str,
    texts: &[String],
    schema: Option<&Value>,
    root: &Value,
) -> Result<Value, Failure> {
    let kinds = schema.map(|schema| types(schema, root)).unwrap_or_default();
    let listed = || {
        let of = schema.and_then(|schema| items(schema, root));
        let kinds = of.map(|of| types(of, root)).unwrap_or_default();
        Value::Array(texts.iter().map(|text| read(text, &kinds)).collect())
    };
    match texts {
        [text] => {
            let value = read(text, &kinds);
            // One word of a list: `tag=a` where `tag=a tag=b` would be two.
            let lone = kinds.has("array") && !kinds.has("string") && value.is_string();
            Ok(if lone { listed() } else { value })
        }
        _ if kinds.is_empty() || kinds.has("array") => Ok(listed()),
        _ => Err(Failure::usage(format!(
            "`{key}` is given {} times, and it is no list",
            texts.len()
        ))
        .fix("Give it once.")),
    }
}

/// One word as JSON. What fits none of the types stays a string, so that the server says what is wrong with it.
fn read(text: &str, kinds: &Types) -> Value {
    let string = || Value::String(text.to_owned());
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return string();
    };
    // A number that JSON's reader would round is not what was written.
    let rounded = value.is_f64() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let fits = if kinds.is_empty() {
        true
    } else if value.is_number() {
        kinds.has("number") || kinds.has("integer")
    } else if value.is_boolean() {
        kinds.has("boolean")
    } else if value.is_null() {
        kinds.has("null") && !kinds.has("string")
    } else if value.is_array() {
        kinds.has("array")
    } else {
        value.is_object() && kinds.has("object")
    };
    if fits && !rounded { value } else { string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn typed_as(schema: &Value, words: &[&str]) -> Value {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        typed(split(&words, "--json").unwrap(), Some(schema)).unwrap()
    }

    #[test]
    fn words_take_the_types_of_the_schema() {
        let schema = json!({
            "properties": {
                "n": {"type": "integer"}, "x": {"type": "number"}, "b": {"type": "boolean"}, "s": {"type": "string"},
                "maybe": {"type": ["string", "null"]}, "none": {"type": ["integer", "null"]},
                "o": {"$ref": "#/$defs/O"}, "any": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
                "e": {"enum": ["1", "2"]}, "free": {}, "whatever": true,
            },
            "$defs": {"O": {"type": "object"}},
        });
        for (word, expected) in [
            ("n=2", json!({"n": 2})),
            ("n=two", json!({"n": "two"})),
            ("n=1.5", json!({"n": 1.5})),
            ("n=123456789012345678901", json!({"n": "123456789012345678901"})),
            ("x=1.5", json!({"x": 1.5})),
            ("x=-2", json!({"x": -2})),
            ("b=true", json!({"b": true})),
            ("b=yes", json!({"b": "yes"})),
            ("s=2", json!({"s": "2"})),
            ("s=", json!({"s": ""})),
            ("s=a=b", json!({"s": "a=b"})),
            ("maybe=null", json!({"maybe": "null"})),
            ("none=null", json!({"none": null})),
            (r#"o={"a":1}"#, json!({"o": {"a": 1}})),
            ("any=7", json!({"any": 7})),
            ("any=seven", json!({"any": "seven"})),
            ("e=1", json!({"e": "1"})),
            ("free=[1]", json!({"free": [1]})),
            ("whatever=false", json!({"whatever": false})),
            ("unknown=07", json!({"unknown": "07"})),
        ] {
            assert_eq!(typed_as(&schema, &[word]), expected, "{word}");
        }
    }

    #[test]
    fn a_repeated_key_is_a_list() {
        let schema = json!({"properties": {"tags": {"type": "array", "items": {"type": "string"}}, "n": {"type": "integer"}}});
        assert_eq!(typed_as(&schema, &["tags=1", "tags=b"]), json!({"tags": ["1", "b"]}));
        assert_eq!(typed_as(&schema, &["tags=a"]), json!({"tags": ["a"]}));
        assert_eq!(typed_as(&schema, &[r#"tags=["a","b"]"#]), json!({"tags": ["a", "b"]}));
        let twice = vec![("n".to_owned(), "1".to_owned()), ("n".to_owned(), "2".to_owned())];
        assert_eq!(typed(twice, Some(&schema)).unwrap_err().exit(), crate::Exit::Usage);
    }

    #[test]
    fn without_a_schema_json_is_json_and_the_rest_text() {
        let words = [("a", "1"), ("b", "x"), ("c", "null"), ("d", "1"), ("d", "x")];
        let words = words.map(|(key, text)| (key.to_owned(), text.to_owned())).to_vec();
        assert_eq!(
            typed(words, None).unwrap(),
            json!({"a": 1, "b": "x", "c": null, "d": [1, "x"]})
        );
    }

    #[test]
    fn a_word_without_equals_sign_is_refused() {
        for word in ["name", "=1", ""] {
            assert!(split(&[word.to_owned()], "--json").is_err(), "{word}");
        }
    }
}
