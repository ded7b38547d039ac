//! One object of arguments out of parameters and a body.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::body::{Body, Described as DescribedBody};
use super::parameter::{Described, Parameter};
use crate::about;
use crate::reference::{Reason, Root};
use crate::schema::Reader;

/// The longest name of an argument that every vendor takes.
const LONGEST: usize = 64;

/// The argument that is the body.
const BODY: &str = "body";

/// Parameters and body with the arguments they are given by, and the schema of those.
pub(super) struct Drawn {
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) input: Value,
}

pub(super) fn draw<'a>(
    root: Root<'a>,
    described: Vec<Described<'a>>,
    body: Option<DescribedBody<'a>>,
    keeps_null: bool,
) -> Result<Drawn, Reason> {
    let mut reader = Reader::new(root, keeps_null);
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let mut taken = BTreeSet::from_iter(body.as_ref().map(|_| BODY.to_owned()));
    let mut parameters = Vec::new();
    for one in described {
        let argument = argument(&one, &mut taken);
        let schema =
            one.schema.map_or_else(|| Ok(json!({"type": "string"})), |it| reader.read(it))?;
        let place = one.place.name();
        let fallback = format!("The {place} parameter `{}`.", one.name);
        properties.insert(argument.clone(), said(schema, one.description, &fallback));
        if one.required {
            required.push(json!(argument));
        }
        let (name, place, writing) = (one.name.to_owned(), one.place, one.writing);
        parameters.push(Parameter { argument, name, place, writing });
    }
    let body = match body {
        None => None,
        Some(body) => {
            let schema = body.schema.map_or_else(|| Ok(json!({})), |it| reader.read(it))?;
            let fallback = format!("The body, sent as {}.", body.media_type);
            properties.insert(BODY.to_owned(), said(schema, body.description, &fallback));
            if body.required {
                required.push(json!(BODY));
            }
            let (argument, media_type, kind) = (BODY.to_owned(), body.media_type, body.kind);
            Some(Body { argument, media_type, kind })
        }
    };
    let mut input =
        json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        input["required"] = Value::Array(required);
    }
    Ok(Drawn { parameters, body, input })
}

/// The name of an argument: the parameter's, with the place behind it if another has the name.
fn argument(parameter: &Described<'_>, taken: &mut BTreeSet<String>) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let plain: String = parameter.name.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    let plain = plain.trim_matches('_');
    let plain = if plain.is_empty() { "parameter" } else { plain };
    let with = |end: &str| format!("{}{end}", &plain[..plain.len().min(LONGEST - end.len())]);
    let place = parameter.place.name();
    let mut name = with("");
    let mut number = 1;
    while taken.contains(&name) {
        name = match number {
            1 => with(&format!("_{place}")),
            n => with(&format!("_{place}_{n}")),
        };
        number += 1;
    }
    taken.insert(name.clone());
    name
}

/// The schema with a description: the parameter's own goes before that of its schema.
fn said(mut schema: Value, own: Option<&str>, fallback: &str) -> Value {
    let own = own.map(about::line).filter(|text| !text.is_empty());
    let own = own.map(|text| about::cut(&text, 400));
    if let Some(words) = schema.as_object_mut() {
        match own {
            Some(text) => drop(words.insert("description".to_owned(), json!(text))),
            None => drop(words.entry("description").or_insert_with(|| json!(fallback))),
        }
    }
    schema
}
