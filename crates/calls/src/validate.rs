//! Checks JSON against a schema and says, for each field, what was wrong and what is allowed.

use jsonschema::error::{TypeKind, ValidationError, ValidationErrorKind as Kind};
use jsonschema::{PatternOptions, Validator};
use mindflight_api::codes;
use mindflight_core::{Error, Result};
use serde_json::Value;

use crate::nearest;

/// Mistakes named in one answer; a caller mends these before it needs more.
const MOST_MISTAKES: usize = 20;

/// A compiled JSON Schema (2020-12).
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    properties: Vec<String>,
}

impl Schema {
    /// Compiles a schema. References to other documents are not followed, and patterns run in linear time.
    ///
    /// # Errors
    /// What is wrong with the schema, in one sentence.
    pub fn compile(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex())
            .should_validate_formats(true)
            .build(schema)
            .map_err(|error| error.to_string())?;
        let properties = schema["properties"].as_object();
        let properties =
            properties.map(|names| names.keys().cloned().collect()).unwrap_or_default();
        Ok(Self { validator, properties })
    }

    /// Checks the arguments of a tool.
    ///
    /// # Errors
    /// 422 `invalid_arguments` that lists every wrong field.
    pub fn check_arguments(&self, arguments: &Value) -> Result<()> {
        if self.validator.is_valid(arguments) {
            return Ok(());
        }
        if !arguments.is_object() {
            let detail = format!("the arguments must be a JSON object; got {}", shown(arguments));
            return Err(Error::invalid(detail.clone()).field("", detail, Vec::new()));
        }
        let mistakes: Vec<Mistake> = self
            .validator
            .iter_errors(arguments)
            .flat_map(|error| self.explain(&error))
            .take(MOST_MISTAKES)
            .collect();
        let first = mistakes.first().map(|mistake| mistake.detail.clone()).unwrap_or_default();
        let detail = match mistakes.len() {
            0 | 1 => first,
            n => format!("{first} (and {} more, see `errors`)", n - 1),
        };
        let fix = mistakes.first().and_then(|mistake| mistake.fix.clone());
        let mut error = Error::of(codes::INVALID_ARGUMENTS, detail);
        if let Some(fix) = fix {
            error = error.fix(fix);
        }
        Err(mistakes.into_iter().fold(error, |error, mistake| {
            error.field(mistake.pointer, mistake.detail, mistake.allowed)
        }))
    }

    /// Checks the result of a tool.
    ///
    /// # Errors
    /// 500 `invalid_result` that names the place, not the value: results may be private.
    pub fn check_result(&self, result: &Value) -> Result<()> {
        let Some(error) = self.validator.iter_errors(result).next() else {
            return Ok(());
        };
        let place = error.instance_path().to_string();
        let keyword = error.kind().keyword();
        Err(Error::of(
            codes::INVALID_RESULT,
            format!("the tool's result breaks its own schema at `{place}` ({keyword})"),
        ))
    }

    fn explain(&self, error: &ValidationError<'_>) -> Vec<Mistake> {
        let pointer = error.instance_path().to_string();
        let got = shown(error.instance());
        let one = |detail: String, allowed: Vec<Value>| {
            vec![Mistake { pointer: pointer.clone(), detail, allowed, fix: None }]
        };
        let name = quoted(&pointer);
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the library's own words serve for the rest"
        )]
        match error.kind() {
            Kind::AdditionalProperties { unexpected }
            | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|name| self.unknown(&pointer, name)).collect()
            }
            Kind::Required { property } => {
                let member = property.as_str().unwrap_or_default();
                let detail = format!("`{member}` is missing");
                let fix = Some(format!("Send `{member}`."));
                let pointer = format!("{pointer}/{}", escape(member));
                vec![Mistake { pointer, detail, allowed: Vec::new(), fix }]
            }
            Kind::Type { kind } => {
                one(format!("{name} must be {}; got {got}", type_names(kind)), Vec::new())
            }
            Kind::Enum { options } => {
                let allowed = options.as_array().cloned().unwrap_or_default();
                let texts: Vec<String> = allowed.iter().map(ToString::to_string).collect();
                one(format!("{name} must be one of {}; got {got}", texts.join(", ")), allowed)
            }
            kind => {
                let detail = bound(kind, &name, &got);
                one(detail.unwrap_or_else(|| format!("{name}: {}", error.masked())), Vec::new())
            }
        }
    }

    fn unknown(&self, pointer: &str, name: &str) -> Mistake {
        let known: Vec<&str> = match pointer {
            "" => self.properties.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let near = nearest(name, known.iter().copied());
        let hint = match (near.first(), known.as_slice()) {
            (Some(near), _) => format!("; did you mean `{near}`?"),
            (None, []) => String::new(),
            (None, known) => format!("; there are {}", known.join(", ")),
        };
        Mistake {
            pointer: format!("{pointer}/{}", escape(name)),
            detail: format!("`{name}` is not an argument here{hint}"),
            allowed: known.iter().map(|name| Value::from(*name)).collect(),
            fix: near.first().map(|near| format!("Send `{near}` instead of `{name}`.")),
        }
    }
}

struct Mistake {
    pointer: String,
    detail: String,
    allowed: Vec<Value>,
    fix: Option<String>,
}

/// What a limit on size or form allows.
#[expect(clippy::wildcard_enum_match_arm, reason = "the library's own words serve for the rest")]
fn bound(kind: &Kind, name: &str, got: &str) -> Option<String> {
    Some(match kind {
        Kind::Minimum { limit } => format!("{name} must be at least {limit}; got {got}"),
        Kind::Maximum { limit } => format!("{name} must be at most {limit}; got {got}"),
        Kind::MinLength { limit } => {
            format!("{name} must have at least {limit} characters; got {got}")
        }
        Kind::MaxLength { limit } => format!("{name} must have at most {limit} characters"),
        Kind::Format { format } => format!("{name} must be a {format}; got {got}"),
        _ => return None,
    })
}

/// `/a/0` → `` `a.0` ``; the root has a name of its own.
fn quoted(pointer: &str) -> String {
    match pointer.strip_prefix('/') {
        Some(path) => format!("`{}`", path.replace('/', ".").replace("~1", "/").replace("~0", "~")),
        None => "the arguments".to_owned(),
    }
}

/// A member's name as a token of a JSON Pointer (RFC 6901 §3).
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn type_names(kind: &TypeKind) -> String {
    let name = |name: String| match name.as_str() {
        "integer" | "object" | "array" => format!("an {name}"),
        "null" => name,
        _ => format!("a {name}"),
    };
    match kind {
        TypeKind::Single(one) => name(one.to_string()),
        TypeKind::Multiple(set) => {
            set.iter().map(|one| name(one.to_string())).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// A value in few words: callers sent it, so they may see it, but not all of a long one.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) if text.chars().count() > 40 => {
            format!("the string \"{}…\"", text.chars().take(40).collect::<String>())
        }
        Value::String(text) => format!("the string {:?}", text.as_str()),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Reads the arguments of a call, as every face receives them: one JSON document in UTF-8.
///
/// # Errors
/// 400 `invalid_json` that says where reading stopped.
pub fn parse(body: &[u8]) -> Result<Value> {
    let invalid = |detail: String| Error::of(codes::INVALID_JSON, detail);
    let text = std::str::from_utf8(body).map_err(|error| {
        invalid(format!("the body is not UTF-8: byte {} cannot be read", error.valid_up_to()))
    })?;
    serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        match what.starts_with("recursion limit") {
            true => invalid("the body is nested deeper than 128 levels".to_owned()),
            false => invalid(format!("the body is not JSON: {what}")),
        }
    })
}

#[cfg(test)]
mod tests;
