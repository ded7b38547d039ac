//! Reads a provider's section of the configuration, and finds every mistake in it at once.

use std::fmt;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::schema;

/// One mistake in a provider's section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Path below the section, dotted; empty for the section itself.
    pub path: String,
    /// What is wrong, what is allowed, what to do.
    pub detail: String,
    /// A required setting is not there; the provider is off rather than wrong.
    pub missing: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.detail),
            path => write!(f, "`{path}` {}", self.detail),
        }
    }
}

/// Reads `section` as a `C`.
pub(super) fn read<C: DeserializeOwned + JsonSchema>(
    section: &Value,
) -> Result<C, Vec<ConfigError>> {
    let empty = Map::new();
    let given = match section {
        Value::Null => &empty,
        Value::Object(given) => given,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(vec![mistake("", "must be a mapping of settings".to_owned(), false)]);
        }
    };
    let mistakes = against_schema(given, &schema::of::<C>());
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    // A provider without settings has `()` or an empty struct: both read from what is empty.
    let read = serde_path_to_error::deserialize(Value::Object(given.clone()));
    read.or_else(|error| match given.is_empty() {
        true => serde_json::from_value(Value::Null).map_err(|_| error),
        false => Err(error),
    })
    .map_err(|error| vec![mistake(&error.path().to_string(), error.inner().to_string(), false)])
}

fn against_schema(given: &Map<String, Value>, schema: &Value) -> Vec<ConfigError> {
    let none = Map::new();
    let known = schema["properties"].as_object().unwrap_or(&none);
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let missing =
        required.iter().filter_map(Value::as_str).filter(|name| !given.contains_key(*name));
    let mut mistakes: Vec<ConfigError> =
        missing.map(|name| mistake(name, "is missing".to_owned(), true)).collect();
    // A section with free keys says so in its schema.
    if schema.get("additionalProperties").is_none_or(|more| *more == Value::Bool(false)) {
        let names: Vec<&str> = known.keys().map(String::as_str).collect();
        let allowed = match names.is_empty() {
            true => "it has no settings".to_owned(),
            false => format!("it has {}", names.join(", ")),
        };
        let unknown = given.keys().filter(|name| !known.contains_key(*name));
        mistakes
            .extend(unknown.map(|name| mistake(name, format!("is no setting; {allowed}"), false)));
    }
    mistakes
}

fn mistake(path: &str, detail: String, missing: bool) -> ConfigError {
    let path = if path == "." { "" } else { path };
    ConfigError { path: path.to_owned(), detail, missing }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Config {
        api_key: String,
        #[serde(default)]
        limit: u32,
    }

    fn mistakes(section: Value) -> Vec<String> {
        read::<Config>(&section).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        assert_eq!(
            mistakes(json!({"limt": 3})),
            ["`api_key` is missing", "`limt` is no setting; it has api_key, limit"]
        );
        assert_eq!(mistakes(json!([])), ["must be a mapping of settings"]);
        let wrong = mistakes(json!({"api_key": "k", "limit": "three"}));
        assert!(wrong[0].starts_with("`limit` invalid type: string \"three\""), "{wrong:?}");
    }

    #[test]
    fn no_section_is_an_empty_one() {
        assert!(read::<()>(&Value::Null).is_ok());
        assert!(read::<Config>(&Value::Null).unwrap_err()[0].missing);
        assert_eq!(read(&json!({"api_key": "k"})), Ok(Config { api_key: "k".into(), limit: 0 }));
    }
}
