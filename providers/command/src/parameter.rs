//! Parameters: what the settings may say of them, their schema, and their values as text.

use mindflight_core::{Error, Result};
use serde_json::{Map, Value, json};

use crate::config::{ParameterConfig, ParameterKind};
use crate::template;

impl ParameterConfig {
    /// Whether callers may leave it out and nothing stands in for it.
    pub(crate) fn may_be_missing(&self) -> bool {
        self.required == Some(false) && self.default.is_none()
    }

    pub(crate) fn is_required(&self) -> bool {
        self.required.unwrap_or(true) && self.default.is_none()
    }

    /// Everything that is wrong with it.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let is_text = self.kind == ParameterKind::String;
        let is_number = matches!(self.kind, ParameterKind::Integer | ParameterKind::Number);
        let text_only = self.pattern.is_some() || self.max_length.is_some() || self.allow_dash;
        let checks = [
            (self.description.trim().is_empty(), "`description` is empty; the model needs it"),
            (!is_text && text_only, "`pattern`, `max_length` and `allow_dash` are for type string"),
            (
                !is_number && (self.min.is_some() || self.max.is_some()),
                "`min` and `max` are for the types integer and number",
            ),
            (self.allowed.as_ref().is_some_and(Vec::is_empty), "`enum` is empty"),
            (
                self.min.as_ref().zip(self.max.as_ref()).is_some_and(|(min, max)| {
                    min.as_f64().zip(max.as_f64()).is_some_and(|(min, max)| min > max)
                }),
                "`min` is more than `max`",
            ),
        ];
        let mut wrong: Vec<String> = checks
            .into_iter()
            .filter(|(is_wrong, _)| *is_wrong)
            .map(|(_, mistake)| mistake.to_owned())
            .collect();
        if let Some(Err(error)) = self.pattern.as_ref().map(|text| regex::Regex::new(text)) {
            wrong.push(format!("`pattern` is no regular expression: {error}"));
        }
        for value in self.allowed.iter().flatten().chain(&self.default) {
            if !self.kind.fits(value) {
                wrong.push(format!("{value} is not of type {}", self.kind.name()));
            }
        }
        if let (Some(allowed), Some(default)) = (&self.allowed, &self.default)
            && !allowed.contains(default)
        {
            wrong.push(format!("`default` {default} is not in `enum`"));
        }
        wrong
    }

    pub(crate) fn schema(&self) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!(self.kind.name()));
        schema.insert("description".to_owned(), json!(self.description));
        let mut more = |name: &str, value: Option<Value>| {
            schema.extend(value.map(|value| (name.to_owned(), value)));
        };
        more("enum", self.allowed.as_ref().map(|allowed| json!(allowed)));
        // JSON Schema looks for a pattern anywhere in the text.
        more("pattern", self.pattern.as_ref().map(|pattern| json!(format!("^(?:{pattern})$"))));
        more("minimum", self.min.as_ref().map(|min| json!(min)));
        more("maximum", self.max.as_ref().map(|max| json!(max)));
        more("maxLength", self.max_length.map(|length| json!(length)));
        more("default", self.default.clone());
        Value::Object(schema)
    }

    /// What was sent, as text.
    pub(crate) fn value(&self, name: &str, sent: &Value) -> Result<template::Value> {
        let text = match sent {
            Value::String(text) if text.contains('\0') => {
                let detail = format!("`{name}` has a NUL character, which no argument can have");
                return Err(Error::invalid(detail.clone()).field(
                    format!("/{name}"),
                    detail,
                    Vec::new(),
                ));
            }
            Value::String(text) => text.clone(),
            // `3.0` is an integer in JSON Schema, and not to programs.
            Value::Number(number) if self.kind == ParameterKind::Integer && number.is_f64() => {
                format!("{:.0}", number.as_f64().unwrap_or_default())
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => sent.to_string(),
        };
        let may_be_option =
            self.allow_dash || self.allowed.is_some() || self.kind != ParameterKind::String;
        Ok(template::Value { text, may_be_option })
    }
}

impl ParameterKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Self::String => value.as_str().is_some_and(|text| !text.contains('\0')),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
        }
    }
}
