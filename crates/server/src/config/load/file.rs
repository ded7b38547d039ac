//! Reads the configuration file: YAML, with the line of every value.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::tree::Setting;
use super::{ConfigMistake, Origin};

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Vec<Setting>, ConfigMistake> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        ConfigMistake::of(format!("the configuration file `{shown}` cannot be read: {error}"))
    })?;
    parse(&text, |line| Origin::File { path: path.to_owned(), line })
        .map_err(|detail| ConfigMistake::of(format!("{shown}: {detail}")))
}

/// Reads a text; `origin` makes an origin of a line.
pub(super) fn parse(text: &str, origin: impl Fn(u64) -> Origin) -> Result<Vec<Setting>, String> {
    // Without the snippet: the lines around a mistake may hold secrets.
    let node: Option<Spanned<Node>> =
        serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())?;
    let Some(Spanned { value, .. }) = node else {
        return Ok(Vec::new());
    };
    let mut settings = Vec::new();
    match value {
        Node::Map(members) => flatten(&mut Vec::new(), members, &origin, &mut settings),
        Node::Leaf(Value::Null) => {}
        Node::Leaf(_) => {
            return Err(
                "the file must be a mapping, such as `server:` and settings below it".to_owned()
            );
        }
    }
    Ok(settings)
}

fn flatten(
    path: &mut Vec<String>,
    members: Vec<Member>,
    origin: &impl Fn(u64) -> Origin,
    into: &mut Vec<Setting>,
) {
    for (key, Spanned { value, referenced, .. }) in members {
        path.push(key);
        match value {
            Node::Map(members) if !members.is_empty() => flatten(path, members, origin, into),
            Node::Map(_) => into.push(Setting {
                path: path.clone(),
                value: Value::Object(serde_json::Map::new()),
                origin: origin(referenced.line()),
            }),
            Node::Leaf(value) => {
                into.push(Setting { path: path.clone(), value, origin: origin(referenced.line()) });
            }
        }
        path.pop();
    }
}

type Member = (String, Spanned<Node>);

enum Node {
    Leaf(Value),
    Map(Vec<Member>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting or a mapping of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Map(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            list.push(item);
        }
        Ok(Node::Leaf(Value::Array(list)))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        match serde_json::Number::from_f64(value) {
            Some(number) => Ok(Node::Leaf(number.into())),
            None => Err(E::custom("a setting cannot be infinite or no number")),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(value.into()))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer).map_err(D::Error::custom)
    }
}
