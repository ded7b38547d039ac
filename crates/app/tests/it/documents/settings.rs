//! Variables that documents name are settings.

use serde_json::Value;

use super::pages::{Finding, Page};
use crate::rig::command;

const PREFIX: &str = "MINDFLIGHT_";

/// The JSON Schema of the configuration.
pub(super) async fn schema() -> Value {
    let printed = command(&["config", "schema"]).stdout().await.unwrap();
    serde_json::from_str(&printed).unwrap()
}

pub(super) async fn check(pages: &[Page]) -> Vec<Finding> {
    let schema = schema().await;
    let mut found = Vec::new();
    for page in pages {
        for (number, line) in page.text.lines().enumerate() {
            let unknown = variables(line).filter(|name| !is_setting(&schema, name));
            found.extend(unknown.map(|name| {
                let what = format!("`{name}` sets nothing; see `mindflight config show --origin`");
                Finding::new(&page.path, number + 1, what)
            }));
        }
    }
    found
}

/// The variables of a line that stand for a setting: those with two underscores.
fn variables(line: &str) -> impl Iterator<Item = String> {
    line.split(PREFIX).skip(1).filter_map(|rest| {
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let name: String = rest.chars().take_while(|c| is_part(*c)).collect();
        let is_whole = !name.ends_with('_') && name.contains("__");
        is_whole.then(|| format!("{PREFIX}{name}"))
    })
}

fn is_setting(schema: &Value, variable: &str) -> bool {
    let name = variable.strip_prefix(PREFIX).unwrap_or_default().to_lowercase();
    let whole: Vec<&str> = name.split("__").collect();
    let file = name.strip_suffix("_file").map(|name| name.split("__").collect::<Vec<_>>());
    has(schema, schema, &whole) || file.is_some_and(|path| has(schema, schema, &path))
}

/// Whether the schema knows the setting of this path. What it leaves open is known.
fn has(root: &Value, schema: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    if let Some(reference) = schema["$ref"].as_str() {
        let place = reference.trim_start_matches('#');
        return root.pointer(place).is_some_and(|target| has(root, target, path));
    }
    for list in ["anyOf", "oneOf", "allOf"] {
        let options = schema[list].as_array().into_iter().flatten();
        if options.into_iter().any(|option| has(root, option, path)) {
            return true;
        }
    }
    match (&schema["properties"][first], &schema["additionalProperties"]) {
        (Value::Null, Value::Bool(true)) => true,
        (Value::Null, open @ Value::Object(_)) => has(root, open, rest),
        (Value::Null, _) => false,
        (known, _) => has(root, known, rest),
    }
}

#[tokio::test]
async fn a_variable_that_sets_nothing_is_found() {
    let schema = schema().await;
    for good in [
        "MINDFLIGHT_SERVER__LISTEN",
        "MINDFLIGHT_DATABASE__URL_FILE",
        "MINDFLIGHT_PROVIDERS__WEATHER__API_KEY",
    ] {
        assert!(is_setting(&schema, good), "{good}");
    }
    assert!(!is_setting(&schema, "MINDFLIGHT_SERVER__LISSTEN"));
    let line = "`MINDFLIGHT_A__B`, MINDFLIGHT_URL and MINDFLIGHT_C__D=1";
    assert_eq!(variables(line).collect::<Vec<_>>(), ["MINDFLIGHT_A__B", "MINDFLIGHT_C__D"]);
}
