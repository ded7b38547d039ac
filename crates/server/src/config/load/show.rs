//! Shows a configuration without its secrets.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Loaded;

/// What stands for a secret.
const HIDDEN: &str = "[redacted]";

impl Loaded {
    /// The values without the secrets. Of URLs only the password is hidden.
    #[must_use]
    pub fn redacted(&self) -> Value {
        self.hide(&self.values, "")
    }

    /// The values as YAML, without the secrets; `with_origin` adds where each comes from.
    #[must_use]
    pub fn show(&self, with_origin: bool) -> String {
        let mut text = String::new();
        if let Value::Object(root) = self.redacted() {
            self.write(&root, "", with_origin, &mut text);
        }
        text
    }

    fn hide(&self, value: &Value, path: &str) -> Value {
        let is_secret = self.secrets.iter().any(|secret| secret == path);
        match value {
            Value::Null => Value::Null,
            Value::String(url) if ["database.url", "database.direct_url"].contains(&path) => {
                without_password(url).into()
            }
            _ if is_secret => HIDDEN.into(),
            Value::String(text) => without_password(text).into(),
            Value::Array(items) => {
                items.iter().map(|item| self.hide(item, &format!("{path}."))).collect()
            }
            Value::Object(section) => {
                let hidden = |(key, value): (&String, &Value)| {
                    (key.clone(), self.hide(value, &below(path, key)))
                };
                Value::Object(section.iter().map(hidden).collect())
            }
            Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn write(
        &self,
        section: &Map<String, Value>,
        path: &str,
        with_origin: bool,
        text: &mut String,
    ) {
        let indent = "  ".repeat(path.split('.').filter(|key| !key.is_empty()).count());
        for (key, value) in section {
            let (path, key) = (below(path, key), plain(key));
            if let Some(section) = value.as_object().filter(|section| !section.is_empty()) {
                line(text, format_args!("{indent}{key}:"));
                self.write(section, &path, with_origin, text);
                continue;
            }
            let origin = self.origins.get(&path).filter(|_| with_origin);
            let origin = origin.map(|origin| format!("  # {origin}")).unwrap_or_default();
            // JSON is YAML.
            line(text, format_args!("{indent}{key}: {value}{origin}"));
        }
    }
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    writeln!(text, "{content}").unwrap_or_default();
}

/// A key as YAML takes it.
fn plain(key: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !key.is_empty() && key.chars().all(plain) {
        true => key.into(),
        false => Value::from(key).to_string().into(),
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// A URL without its password; other texts as they are.
pub(super) fn without_password(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.into();
    };
    // Nobody may have encoded a database's password, which then holds anything: better to hide too much.
    let end = match scheme.starts_with("postgres") {
        true => rest.len(),
        false => rest.find(['/', '?', '#']).unwrap_or(rest.len()),
    };
    let at = rest[..end].rfind('@');
    let user = at.and_then(|at| Some((rest[..at].split_once(':')?.0, &rest[at..])));
    let shown = match user {
        Some((user, host)) => Cow::Owned(format!("{scheme}://{user}:{HIDDEN}{host}")),
        None => Cow::Borrowed(text),
    };
    // PostgreSQL takes it as a parameter too.
    match shown.split_once("password=") {
        Some((before, after)) => {
            let rest = after.find('&').map(|end| &after[end..]).unwrap_or_default();
            format!("{before}password={HIDDEN}{rest}").into()
        }
        None => shown,
    }
}
