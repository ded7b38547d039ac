//! Checks the sections of providers: their names, and the settings of those that are linked.

use mindflight_calls::nearest;
use mindflight_core::Registry;
use mindflight_core::registry::{ConfigError, OWN_NAME, is_name};
use serde_json::{Map, Value};

use super::ConfigMistake;
use super::known::is_secret_name;
use super::tree::Tree;

/// Settings that every provider has; the server reads them.
const COMMON: [&str; 3] = ["provider", "enabled", "required"];

pub(super) fn check(
    tree: &Tree,
    registry: &Registry,
    warnings: &mut Vec<String>,
) -> Vec<ConfigMistake> {
    let sections = tree.get("providers").and_then(Value::as_object).into_iter().flatten();
    let mut mistakes = Vec::new();
    for (name, section) in sections {
        let path = format!("providers.{name}");
        if !is_name(name) {
            let detail = "is no name of a provider: use a-z, 0-9 and _, a letter first, at most 32 characters";
            mistakes.push(tree.mistake(&path, detail));
            continue;
        }
        if name == OWN_NAME {
            let detail = "is the name of what the server itself brings: choose another name for the provider";
            mistakes.push(tree.mistake(&path, detail));
            continue;
        }
        let Some(section) = section.as_object() else {
            continue;
        };
        let id = section.get("provider").and_then(Value::as_str).unwrap_or(name);
        let Some(factory) = registry.get(id) else {
            warnings.push(not_linked(&path, id, registry));
            continue;
        };
        let own = section.iter().filter(|(key, _)| !COMMON.contains(&key.as_str()));
        let own: Map<String, Value> =
            own.map(|(key, value)| (key.clone(), value.clone())).collect();
        let wrong = factory.check(&Value::Object(own)).err().unwrap_or_default();
        for error in wrong {
            let path = format!("{path}.{}", error.path);
            match error.missing {
                true => missing(&path, section, tree, &mut mistakes, warnings),
                false => mistakes.push(tree.mistake(path.trim_end_matches('.'), detail(&error))),
            }
        }
    }
    mistakes
}

fn not_linked(path: &str, id: &str, registry: &Registry) -> String {
    let linked: Vec<&str> = registry.iter().map(|factory| factory.id).collect();
    let near = nearest(id, linked.iter().copied());
    let near = near.first().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    let linked = match linked.is_empty() {
        true => "none is".to_owned(),
        false => format!("linked are {}", linked.join(", ")),
    };
    format!(
        "`{path}` is for the provider `{id}`, which is not linked into this program{near} ({linked})"
    )
}

/// A provider without what it needs stays off; only one that has to be there is a mistake.
fn missing(
    path: &str,
    section: &Map<String, Value>,
    tree: &Tree,
    mistakes: &mut Vec<ConfigMistake>,
    warnings: &mut Vec<String>,
) {
    if section.get("enabled") == Some(&Value::Bool(false)) {
        return;
    }
    let variable = format!("MINDFLIGHT_{}", path.replace('.', "__").to_ascii_uppercase());
    match section.get("required") == Some(&Value::Bool(true)) {
        true => {
            mistakes.push(tree.mistake(
                path,
                format!("is missing, and the provider is required; set `{variable}`"),
            ))
        }
        false => {
            warnings.push(format!("`{path}` is missing: the provider stays off; set `{variable}`"))
        }
    }
}

/// What the provider says; not where its words may repeat a secret.
fn detail(error: &ConfigError) -> String {
    let last = error.path.rsplit('.').next().unwrap_or_default();
    match is_secret_name(last) && !error.detail.starts_with("is no setting") {
        true => "has the wrong type".to_owned(),
        false => error.detail.clone(),
    }
}
