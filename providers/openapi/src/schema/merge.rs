//! Two schemas that hold at once, as one (`allOf`).

use serde_json::{Map, Value, json};

use super::Node;

/// What both say. Where they contradict each other the first has it: the service decides in the end.
pub(super) fn both(mut first: Node, second: Node) -> Node {
    // A part that says nothing of types does not forbid null.
    let says = |node: &Node| node.words.contains_key("type") || node.words.contains_key("anyOf");
    let nullable = match (says(&first), says(&second)) {
        (true, true) => first.nullable && second.nullable,
        _ => first.nullable || second.nullable,
    };
    let words = &mut first.words;
    for (word, value) in second.words {
        match words.get_mut(&word) {
            None => drop(words.insert(word, value)),
            Some(own) => join(&word, own, value),
        }
    }
    if words.contains_key("properties") && !words.contains_key("type") {
        words.insert("type".to_owned(), json!("object"));
    }
    first.left_out.extend(second.left_out);
    Node { words: first.words, nullable, left_out: first.left_out }
}

fn join(word: &str, own: &mut Value, other: Value) {
    match word {
        "properties" => {
            let (Value::Object(own), Value::Object(other)) = (own, other) else {
                return;
            };
            for (name, property) in other {
                match own.get_mut(&name) {
                    None => drop(own.insert(name, property)),
                    Some(mine) => schemas(mine, property),
                }
            }
        }
        "items" | "additionalProperties" => schemas(own, other),
        "required" => {
            let (Value::Array(own), Value::Array(other)) = (own, other) else {
                return;
            };
            for name in other {
                if !own.contains(&name) {
                    own.push(name);
                }
            }
        }
        "enum" => {
            let (Value::Array(own), Value::Array(other)) = (own, other) else {
                return;
            };
            if own.iter().any(|choice| other.contains(choice)) {
                own.retain(|choice| other.contains(choice));
            }
        }
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties"
            if other.as_f64() > own.as_f64() =>
        {
            *own = other;
        }
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties"
            if other.as_f64() < own.as_f64() =>
        {
            *own = other;
        }
        "type" if *own == "number" && other == "integer" => *own = other,
        _ => {}
    }
}

/// Two finished schemas that hold at once.
fn schemas(own: &mut Value, other: Value) {
    if let (Value::Object(own), Value::Object(other)) = (own, other) {
        let taken = |words: Map<String, Value>| Node { words, ..Node::default() };
        *own = both(taken(std::mem::take(own)), taken(other)).words;
    }
}
