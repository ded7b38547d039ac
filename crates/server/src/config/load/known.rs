//! Which settings there are: the schema of the configuration, with that of every linked provider.

use mindflight_core::{Registry, schema as schemas};
use serde_json::{Map, Value, json};

use super::DEFAULTS;
use super::file;
use super::tree::Tree;
use crate::config::{Config, Origin, ProviderSection};

/// Ends of names whose values are not shown, whatever the schema says.
const SECRET_ENDS: [&str; 6] = ["key", "secret", "token", "password", "passphrase", "credentials"];

/// JSON Schema of the configuration file: everything optional, with defaults, and the linked providers' settings.
#[must_use]
pub fn schema(registry: &Registry) -> Value {
    let mut schema = schemas::of::<Config>();
    optional(&mut schema);
    for setting in file::parse(DEFAULTS, |_| Origin::Default).unwrap_or_default() {
        let own = setting
            .path
            .iter()
            .try_fold(&mut schema, |place, key| place.get_mut("properties")?.get_mut(key));
        if let Some(Value::Object(own)) = own {
            own.insert("default".to_owned(), setting.value);
        }
    }
    let linked: Map<String, Value> = registry
        .iter()
        .map(|factory| (factory.id.to_owned(), section(factory.config_schema())))
        .collect();
    schema["properties"]["providers"]["properties"] = Value::Object(linked);
    if let Value::Object(root) = &mut schema {
        root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        root.insert("title".to_owned(), json!("mindflight configuration"));
    }
    schema
}

/// The section of a provider: what all have, and its own.
fn section(own: Value) -> Value {
    let mut section = schemas::of::<ProviderSection>();
    optional(&mut section);
    if let Some(properties) = own["properties"].as_object() {
        for (name, property) in properties {
            section["properties"][name] = property.clone();
        }
    }
    let more = own.get("additionalProperties").cloned().unwrap_or(Value::Bool(false));
    section["additionalProperties"] = more;
    if let Some(description) = own.get("description") {
        section["description"] = description.clone();
    }
    section
}

/// What has a default need not be there.
fn optional(schema: &mut Value) {
    if let Value::Object(object) = schema {
        object.remove("required");
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            properties.values_mut().for_each(optional);
        }
    }
}

/// Which settings there are.
pub(super) struct Known<'a> {
    schema: Value,
    registry: &'a Registry,
}

impl<'a> Known<'a> {
    pub(super) fn new(registry: &'a Registry) -> Self {
        Self { schema: schemas::of::<Config>(), registry }
    }

    /// The schema of the server's own settings; that of a provider's section is open.
    pub(super) const fn schema(&self) -> &Value {
        &self.schema
    }

    /// The schema of one setting.
    pub(super) fn at(&self, path: &[String], tree: &Tree) -> Option<Value> {
        match path {
            [providers, name, rest @ ..] if providers == "providers" && !rest.is_empty() => {
                let id = tree.text(&format!("providers.{name}.provider")).unwrap_or(name);
                let own = self.registry.get(id).map(|factory| factory.config_schema());
                walk(&section(own.unwrap_or_default()), rest).cloned()
            }
            path => walk(&self.schema, path).cloned(),
        }
    }

    /// Every path of the server's own settings.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        collect(&self.schema, "", &mut paths);
        paths
    }

    /// Whether a key stands in no section.
    pub(super) fn is_lone(&self, key: &str) -> bool {
        let lone = self.schema["properties"].get(key);
        lone.is_some_and(|schema| schema.get("properties").is_none() && key != "providers")
    }

    /// Whether a variable's whole name is a setting, also where it ends as if it named a file.
    pub(super) fn is_setting(&self, variable: &str, prefix: &str) -> bool {
        let Some(rest) = variable.strip_prefix(prefix) else {
            return false;
        };
        let path: Vec<String> = rest.to_ascii_lowercase().split("__").map(str::to_owned).collect();
        match path.as_slice() {
            [providers, _, rest @ ..] if providers == "providers" => {
                self.registry.iter().any(|factory| walk(&factory.config_schema(), rest).is_some())
            }
            path => walk(&self.schema, path).is_some(),
        }
    }

    /// The paths of the values that must not be shown.
    pub(super) fn secrets(&self, tree: &Tree) -> Vec<String> {
        let mut secrets = Vec::new();
        self.find_secrets(tree, tree.values(), &mut Vec::new(), &mut secrets);
        secrets
    }

    pub(super) fn is_secret(&self, path: &[String], tree: &Tree) -> bool {
        let in_provider = path.first().is_some_and(|first| first == "providers");
        let named = in_provider && path.last().is_some_and(|last| is_secret_name(last));
        named || self.at(path, tree).is_some_and(|schema| is_marked(&schema))
    }

    fn find_secrets(
        &self,
        tree: &Tree,
        value: &Value,
        path: &mut Vec<String>,
        into: &mut Vec<String>,
    ) {
        if !path.is_empty() && self.is_secret(path, tree) {
            into.push(path.join("."));
            return;
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            path.push(key.clone());
            self.find_secrets(tree, value, path, into);
            path.pop();
        }
    }
}

/// Whether a provider's setting of this name is taken for a secret, whatever its schema says.
pub(super) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

/// `writeOnly` and the format `password` are how JSON Schema says that a value is not to be shown.
fn is_marked(schema: &Value) -> bool {
    schema["writeOnly"] == true || schema["format"] == "password"
}

fn walk<'a>(schema: &'a Value, path: &[String]) -> Option<&'a Value> {
    let [key, rest @ ..] = path else {
        return Some(schema);
    };
    let here = std::iter::once(schema);
    let alternatives =
        ["anyOf", "oneOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
    here.chain(alternatives).find_map(|schema| {
        let named = schema.get("properties").and_then(|properties| properties.get(key));
        let more = || schema.get("additionalProperties").filter(|more| more.is_object());
        walk(named.or_else(more)?, rest)
    })
}

fn collect(schema: &Value, path: &str, into: &mut Vec<String>) {
    for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match schema.get("properties") {
            Some(_) => collect(schema, &path, into),
            None => into.push(path),
        }
    }
}
