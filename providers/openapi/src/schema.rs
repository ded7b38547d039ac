//! Schemas of the document, as schemas that every vendor of models takes: no references, no lists of types, no `null`
//! where something can be left out.

mod keywords;
mod merge;

use serde_json::{Map, Value, json};

use crate::about;
use crate::reference::{self, Reason, Root};

/// Schemas within schemas; what is deeper is left open.
const DEEPEST: usize = 10;

/// Schemas of one operation; what comes after them is left open. A longer list costs a model more than it tells it.
const MOST: usize = 500;

/// The longest description of one value.
const LONGEST: usize = 400;

/// A schema that is being read.
#[derive(Default)]
struct Node {
    words: Map<String, Value>,
    /// It may be null, which its words do not say.
    nullable: bool,
    /// Properties that only answers have.
    left_out: Vec<String>,
}

/// Reads the schemas of one operation.
pub(crate) struct Reader<'a> {
    root: Root<'a>,
    /// References that are being followed: one that comes again is a cycle.
    path: Vec<&'a str>,
    left: usize,
    depth: usize,
    /// Optional members may be null, which is how a patch says that something is to be removed.
    keeps_null: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(root: Root<'a>, keeps_null: bool) -> Self {
        Self { root, path: Vec::new(), left: MOST, depth: 0, keeps_null }
    }

    /// The schema of an argument.
    pub(crate) fn read(&mut self, schema: &'a Value) -> Result<Value, Reason> {
        self.node(schema).map(|node| finish(node, false))
    }

    fn node(&mut self, schema: &'a Value) -> Result<Node, Reason> {
        let Some(object) = schema.as_object() else {
            // `true` allows everything; what `false` forbids, the service refuses.
            return Ok(Node::default());
        };
        if self.left == 0 || self.depth == DEEPEST {
            return self.cut(schema, "Anything that the service takes.");
        }
        self.left -= 1;
        self.depth += 1;
        let node = match object.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.referred(reference, object),
            None => self.own(object),
        };
        self.depth -= 1;
        node
    }

    fn referred(
        &mut self,
        reference: &'a str,
        object: &'a Map<String, Value>,
    ) -> Result<Node, Reason> {
        let target = self.root.target(reference)?;
        if self.path.contains(&reference) {
            let name = reference::name(reference);
            return self.cut(target, &format!("Another `{name}`, formed as the one around it."));
        }
        self.path.push(reference);
        let node = self.node(target);
        self.path.pop();
        // Words beside a reference add to it (OpenAPI 3.1); in 3.0 there are none.
        match object.len() {
            1 => node,
            _ => Ok(merge::both(self.own(object)?, node?)),
        }
    }

    /// The schema without what is in it.
    fn cut(&self, schema: &'a Value, note: &str) -> Result<Node, Reason> {
        let target = self.root.resolve(schema)?.as_object();
        let kind = target.map(|target| keywords::kinds(target).0).unwrap_or_default();
        let mut words = Map::new();
        match kind.as_slice() {
            [kind] if kind == "array" => words.insert("items".to_owned(), json!({})),
            _ => None,
        };
        let kind = kind.first().map_or("object", String::as_str);
        words.insert("type".to_owned(), json!(kind));
        words.insert("description".to_owned(), json!(note));
        Ok(Node { words, ..Node::default() })
    }

    fn own(&mut self, object: &'a Map<String, Value>) -> Result<Node, Reason> {
        let mut node = keywords::plain(object);
        self.members(object, &mut node)?;
        self.elements(object, &mut node)?;
        if let Some(all) = object.get("allOf").and_then(Value::as_array) {
            for part in all {
                let part = self.node(part)?;
                node = merge::both(node, part);
            }
            // Closed parts of a whole would refuse each other's members.
            if all.len() > 1 || object.contains_key("properties") {
                node.words.remove("additionalProperties");
            }
        }
        for word in ["anyOf", "oneOf"] {
            if let Some(some) = object.get(word).and_then(Value::as_array) {
                let choice = self.choice(some, object)?;
                node = merge::both(node, choice);
            }
        }
        Ok(node)
    }

    fn members(&mut self, object: &'a Map<String, Value>, node: &mut Node) -> Result<(), Reason> {
        let required = object.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.contains(&json!(name)));
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            let mut members = Map::new();
            for (name, property) in properties {
                let target = self.root.resolve(property)?;
                if target["readOnly"] == true || property["readOnly"] == true || target == false {
                    node.left_out.push(name.clone());
                    continue;
                }
                let member = self.node(property)?;
                let null = is_required(name) || self.keeps_null;
                members.insert(name.clone(), finish(member, null));
            }
            node.words.insert("properties".to_owned(), Value::Object(members));
        }
        match object.get("additionalProperties") {
            Some(more @ Value::Object(words)) if !words.is_empty() => {
                let more = finish(self.node(more)?, true);
                node.words.insert("additionalProperties".to_owned(), more);
            }
            Some(Value::Bool(false)) => {
                node.words.insert("additionalProperties".to_owned(), json!(false));
            }
            _ => {}
        }
        Ok(())
    }

    fn elements(&mut self, object: &'a Map<String, Value>, node: &mut Node) -> Result<(), Reason> {
        let first = object.get("prefixItems").and_then(Value::as_array);
        let items = match (object.get("items"), first) {
            (_, Some(some)) => {
                let choice = self.choice(some, object)?;
                finish(choice, true)
            }
            (Some(items), None) => finish(self.node(items)?, true),
            (None, None) if node.words.get("type") == Some(&json!("array")) => json!({}),
            (None, None) => return Ok(()),
        };
        node.words.insert("items".to_owned(), items);
        Ok(())
    }

    /// One of several schemas. An exact choice (`oneOf`) is the service's to check: several vendors only know `anyOf`.
    fn choice(
        &mut self,
        some: &'a [Value],
        object: &'a Map<String, Value>,
    ) -> Result<Node, Reason> {
        let mut nullable = false;
        let mut choices: Vec<Value> = Vec::new();
        for schema in some {
            let node = self.node(schema)?;
            nullable |= node.nullable;
            if node.words.get("type") == Some(&json!("null")) {
                nullable = true;
                continue;
            }
            let choice = Value::Object(tidied(node));
            if !choices.contains(&choice) {
                choices.push(choice);
            }
        }
        let mut words = Map::new();
        if let [Value::Object(only)] = choices.as_slice() {
            words = only.clone();
        } else if !choices.is_empty() && !choices.contains(&json!({})) {
            // With a choice that takes everything there would be none.
            words.insert("anyOf".to_owned(), Value::Array(choices));
        }
        let told_by = object.get("discriminator").and_then(|it| it["propertyName"].as_str());
        if let Some(member) = told_by.filter(|_| !words.contains_key("description")) {
            let mapping = object["discriminator"]["mapping"].as_object();
            let named = some.iter().filter_map(|one| one["$ref"].as_str()).map(reference::name);
            let values: Vec<&str> = match mapping {
                Some(mapping) => mapping.keys().map(String::as_str).collect(),
                None => named.collect(),
            };
            let note = format!("`{member}` says which form it has: {}.", values.join(", "));
            words.insert("description".to_owned(), json!(note));
        }
        Ok(Node { words, nullable, ..Node::default() })
    }
}

/// The node as a schema, with null as a choice if it may be null and that can be said here.
fn finish(node: Node, null: bool) -> Value {
    let null = null && node.nullable;
    let mut words = tidied(node);
    if !null || words.is_empty() {
        return Value::Object(words);
    }
    let description = words.remove("description");
    let mut choices = match words.len() {
        1 => words.remove("anyOf").and_then(|some| some.as_array().cloned()),
        _ => None,
    }
    .unwrap_or_default();
    if !words.is_empty() {
        choices.push(Value::Object(words));
    }
    choices.push(json!({"type": "null"}));
    let mut outer = Map::new();
    if let Some(description) = description {
        outer.insert("description".to_owned(), description);
    }
    outer.insert("anyOf".to_owned(), Value::Array(choices));
    Value::Object(outer)
}

/// The words, without what only answers have.
fn tidied(node: Node) -> Map<String, Value> {
    let Node { mut words, left_out, .. } = node;
    if let Some(Value::Object(properties)) = words.get_mut("properties") {
        left_out.iter().for_each(|name| drop(properties.shift_remove(name)));
    }
    if let Some(Value::Array(required)) = words.get_mut("required") {
        required.retain(|name| !left_out.iter().any(|out| name == out));
        if required.is_empty() {
            words.remove("required");
        }
    }
    if let Some(Value::String(text)) = words.get_mut("description") {
        *text = about::cut(text, LONGEST);
    }
    words
}

#[cfg(test)]
mod tests;
