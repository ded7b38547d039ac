//! P1: names that servers take, and texts that a model can choose by.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rules::{P101, P102, P103, P104, P105, P106, P107, P108, P109};
use super::words::{self, act_and_thing, first_sentence, of_name, of_text};
use super::{Findings, Subject, members};
use crate::tools::Tool;

/// The longest first sentence.
const LONGEST_SENTENCE: usize = 120;
/// The longest name on the wire: the smallest limit of the vendors.
const LONGEST_NAME: usize = 64;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    for tool in &subject.surface.tools {
        let at = subject.tool(&tool.name);
        name(&tool.name, &at, found);
        let whole = format!("{}_{}", subject.name, tool.name);
        if whole.len() > LONGEST_NAME {
            found.add(&P101, &at, format!("`{whole}` has {} characters", whole.len()));
        }
        described(tool, &at, found);
        arguments(&tool.input, &at, found);
    }
    for kind in &subject.surface.jobs {
        // A subscription's kind is named after its pattern.
        if kind.listens.is_none() {
            name(&kind.name, &subject.kind(&kind.name), found);
        }
    }
    same_thing(subject, found);
}

fn name(name: &str, at: &str, found: &mut Findings) {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        found.add(&P101, at, format!("`{name}` is no name"));
    }
}

fn described(tool: &Tool, at: &str, found: &mut Findings) {
    let about = tool.about.trim();
    if about.is_empty() {
        return found.add(&P102, at, "the description is empty");
    }
    let sentence = first_sentence(about);
    let length = sentence.chars().count();
    if length > LONGEST_SENTENCE {
        let detail = format!("{length} characters, {LONGEST_SENTENCE} are allowed: \"{sentence}\"");
        found.add(&P103, at, detail);
    }
    let first = of_text(about).next().unwrap_or_default();
    let says_what = first.ends_with('s') || words::is_verb(&first);
    if !says_what && act_and_thing(&tool.name).0.is_none() {
        found.add(&P105, at, format!("it begins with \"{first}\""));
    }
    if of_text(about).eq(of_name(&tool.name)) {
        found.add(&P108, at, format!("\"{about}\""));
    }
    text(about, at, found);
}

/// What is wrong with a text wherever it stands.
fn text(text: &str, at: &str, found: &mut Findings) {
    for word in of_text(text) {
        if words::is_praise(&word) {
            found.add(&P106, at, format!("\"{word}\""));
        } else if words::is_unfinished(&word) {
            found.add(&P109, at, format!("\"{word}\""));
        }
    }
}

fn arguments(schema: &Value, at: &str, found: &mut Findings) {
    inside(schema, at, "", found);
}

/// The arguments of an object, and of those inside it.
fn inside(schema: &Value, at: &str, path: &str, found: &mut Findings) {
    for (name, property) in members(schema, "properties") {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let place = format!("{at}, argument {path}");
        match property.get("description").and_then(Value::as_str).map(str::trim) {
            None | Some("") => found.add(&P104, &place, "it has no description"),
            Some(said) => text(said, &place, found),
        }
        inside(property, at, &path, found);
        if let Some(items) = property.get("items") {
            inside(items, at, &path, found);
        }
    }
}

fn same_thing(subject: &Subject<'_>, found: &mut Findings) {
    let mut things: BTreeMap<(bool, String), Vec<&Tool>> = BTreeMap::new();
    for tool in &subject.surface.tools {
        let (_, thing) = act_and_thing(&tool.name);
        if !thing.is_empty() {
            things.entry((tool.options.read_only, thing)).or_default().push(tool);
        }
    }
    for tools in things.values().filter(|tools| tools.len() > 1) {
        for tool in tools.iter().filter(|tool| !says_when(&tool.about)) {
            let others = tools.iter().filter(|other| other.name != tool.name);
            let others: Vec<String> = others.map(|other| format!("`{}`", other.name)).collect();
            let detail = format!("there is {} besides", others.join(" and "));
            found.add(&P107, subject.tool(&tool.name), detail);
        }
    }
}

fn says_when(about: &str) -> bool {
    let hints = ["use", "when", "instead", "unlike", "before", "after"];
    of_text(about).any(|word| hints.contains(&word.as_str()))
}
