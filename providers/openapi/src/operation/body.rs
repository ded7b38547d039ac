//! The body of an operation's requests.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::reference::{Reason, Root};
use crate::style::{Style, Writing};

/// The body of a request.
pub(crate) struct Body {
    /// The name of the argument that it is given by.
    pub(crate) argument: String,
    pub(crate) media_type: String,
    pub(crate) kind: Kind,
}

/// How a body is written.
pub(crate) enum Kind {
    Json,
    Text,
    /// As a form; some of its members are written in a way of their own.
    Form(BTreeMap<String, Writing>),
}

/// A body as the document describes it.
pub(super) struct Described<'a> {
    pub(super) media_type: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) description: Option<&'a str>,
    pub(super) schema: Option<&'a Value>,
}

/// The first content that can be written: JSON before forms before text.
pub(super) fn read<'a>(
    root: Root<'a>,
    operation: &'a Value,
) -> Result<Option<Described<'a>>, Reason> {
    let Some(body) = operation.get("requestBody") else {
        return Ok(None);
    };
    let body = root.resolve(body)?;
    let contents = body["content"].as_object().ok_or("its body has no content")?;
    let mut known: Vec<(u8, String, &Value)> = Vec::new();
    for (name, content) in contents {
        let name = name.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if let Some(rank) = rank(&name) {
            known.push((rank, name, content));
        }
    }
    let Some((rank, name, content)) = known.into_iter().min_by_key(|(rank, ..)| *rank) else {
        let names: Vec<&str> = contents.keys().map(String::as_str).collect();
        return Err(format!("its body is {}, which cannot be written", names.join(" or ")));
    };
    let kind = match rank {
        3 => Kind::Form(writings(content)),
        4 => Kind::Text,
        _ => Kind::Json,
    };
    let media_type = match (rank, &kind) {
        (2, _) => "application/json".to_owned(),
        (_, Kind::Text) if name == "text/*" => "text/plain; charset=utf-8".to_owned(),
        (_, Kind::Text) => format!("{name}; charset=utf-8"),
        _ => name,
    };
    Ok(Some(Described {
        media_type,
        kind,
        required: body["required"] == true,
        description: body["description"].as_str(),
        schema: content.get("schema"),
    }))
}

fn rank(media_type: &str) -> Option<u8> {
    match media_type {
        "application/json" => Some(0),
        name if name.ends_with("+json") || name == "text/json" => Some(1),
        "*/*" | "application/*" => Some(2),
        "application/x-www-form-urlencoded" => Some(3),
        name if name.starts_with("text/") => Some(4),
        _ => None,
    }
}

/// How members of a form are written that say so.
fn writings(content: &Value) -> BTreeMap<String, Writing> {
    let encodings = content["encoding"].as_object();
    let writing = |encoding: &Value| {
        let style = match encoding["style"].as_str() {
            Some("spaceDelimited") => Style::Space,
            Some("pipeDelimited") => Style::Pipe,
            Some("deepObject") => Style::Deep,
            Some(_) => Style::Form,
            None if encoding["contentType"] == "application/json" => Style::Json,
            None => Style::Form,
        };
        let explode = encoding["explode"].as_bool().unwrap_or(style == Style::Form);
        Writing { style, explode, reserved: encoding["allowReserved"] == true }
    };
    encodings.into_iter().flatten().map(|(name, one)| (name.clone(), writing(one))).collect()
}
