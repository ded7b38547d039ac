//! The default file and the documents say what the code says.

use std::collections::BTreeSet;
use std::fs;

use mindflight_api::codes;
use serde_json::json;

use super::*;
use crate::config::load::environment::WELL_KNOWN;
use crate::config::load::text::{choices, types};

fn document(name: &str) -> String {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn defaults() -> Vec<(String, Value)> {
    let settings = file::parse(DEFAULTS, |_| Origin::Default).unwrap();
    settings.into_iter().map(|setting| (setting.path.join("."), setting.value)).collect()
}

#[test]
fn the_default_file_has_every_setting_and_no_other() {
    let registry = Registry::default();
    let mut known: BTreeSet<String> = Known::new(&registry).paths().into_iter().collect();
    let given: BTreeSet<String> = defaults().into_iter().map(|(path, _)| path).collect();
    assert!(known.remove("providers") || known.contains("server.listen"));
    let given: BTreeSet<String> = given.into_iter().filter(|path| path != "providers").collect();
    assert_eq!(given, known);
}

#[test]
fn every_setting_of_the_default_file_has_a_comment_above_it() {
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        let bare = line.trim_start();
        if !bare.is_empty() && !bare.starts_with('#') {
            assert!(above.trim_start().starts_with('#'), "`{bare}` has no comment above it");
        }
    }
}

/// How docs/CONFIG.md writes the row of a setting, up to its meaning.
fn row(path: &str, default: &Value, schema: &Value) -> String {
    let choices = choices(schema);
    let kind = match (types(schema).iter().find(|name| **name != "null"), choices.is_empty()) {
        (_, false) => choices.join(", "),
        (Some(&"string"), _) if schema.get("pattern").is_some() => "span".to_owned(),
        (Some(&"string"), _) => "text".to_owned(),
        (Some(&"integer"), _) => "number".to_owned(),
        (Some(&"boolean"), _) => "true, false".to_owned(),
        (Some(&"array"), _) => "list".to_owned(),
        (other, _) => other.copied().unwrap_or_default().to_owned(),
    };
    let default = match default {
        Value::Null => "none".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("`{default}`")
        }
    };
    let exact = format!("`MINDFLIGHT_{}`", path.replace('.', "__").to_ascii_uppercase());
    let short =
        WELL_KNOWN.iter().filter(|(_, known)| *known == path).map(|(name, _)| format!("`{name}`"));
    let variables: Vec<String> = short.chain([exact]).collect();
    format!("| `{path}` | {kind} | {default} | {} |", variables.join(", "))
}

#[test]
fn the_document_of_the_configuration_has_every_setting_as_it_is() {
    let (document, registry) = (document("CONFIG.md"), Registry::default());
    let (known, tree) = (Known::new(&registry), Tree::default());
    let mut rows = Vec::new();
    for (path, default) in defaults().into_iter().filter(|(path, _)| path != "providers") {
        let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
        rows.push(row(&path, &default, &known.at(&keys, &tree).unwrap()));
    }
    let missing: Vec<&String> = rows
        .iter()
        .filter(|row| {
            !document
                .lines()
                .any(|line| line.starts_with(row.as_str()) && line.len() > row.len() + 5)
        })
        .collect();
    assert!(
        missing.is_empty(),
        "docs/CONFIG.md lacks these rows, each followed by its meaning:\n{missing:#?}"
    );
    let stated = document
        .lines()
        .filter(|line| {
            line.starts_with("| `") && line.contains("`MINDFLIGHT_") && line.contains('.')
        })
        .count();
    assert!(stated >= rows.len());
}

#[test]
fn the_document_of_the_errors_has_every_code_as_it_is() {
    let document = document("ERRORS.md");
    let sections: Vec<&str> = document.split("\n### ").skip(1).collect();
    let named: Vec<&str> = sections
        .iter()
        .map(|section| section.lines().next().unwrap_or_default().trim_matches('`'))
        .collect();
    let known: Vec<&str> = codes::ALL.iter().map(|code| code.name).collect();
    assert_eq!(
        named, known,
        "docs/ERRORS.md has a section `### `code`` for each code, in the order of the table"
    );
    for (code, section) in codes::ALL.iter().zip(sections) {
        let (fault, retry) = (json!(code.fault), json!(code.retry));
        let facts = format!(
            "**{}** · status {} · fault {} · retry {}",
            code.title,
            code.status,
            fault.as_str().unwrap(),
            retry.as_str().unwrap()
        );
        assert!(section.contains(&facts), "docs/ERRORS.md, `{}`, should say: {facts}", code.name);
        let words = section.split_whitespace().count();
        assert!(
            section.contains("\nWhen: ") && section.contains("\nDo: ") && words > 25,
            "docs/ERRORS.md, `{}`: when it happens (When: …), what to do (Do: …)",
            code.name
        );
    }
}
