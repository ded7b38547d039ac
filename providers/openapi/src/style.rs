//! How the value of a parameter is written (OpenAPI's styles).

use serde_json::Value;

use crate::encode;

/// How a parameter's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Writing {
    pub(crate) style: Style,
    /// Each element and member on its own.
    pub(crate) explode: bool,
    /// Reserved characters stay.
    pub(crate) reserved: bool,
}

/// The form of a list or an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `a,b`, of paths and headers.
    Simple,
    /// `name=a,b`, of queries and cookies.
    Form,
    /// `name=a%20b`.
    Space,
    /// `name=a%7Cb`.
    Pipe,
    /// `name[member]=a`.
    Deep,
    /// The value as JSON.
    Json,
}

impl Writing {
    /// The text that stands in a path, or as a header's value if `encode` does nothing.
    pub(crate) fn simple(self, value: &Value, encode: impl Fn(&str) -> String) -> String {
        if self.style == Style::Json {
            return encode(&value.to_string());
        }
        match value {
            Value::Array(items) => {
                items.iter().map(|item| encode(&scalar(item))).collect::<Vec<_>>().join(",")
            }
            Value::Object(members) => {
                let between = if self.explode { "=" } else { "," };
                let pair = |(name, value): (&String, &Value)| {
                    format!("{}{between}{}", encode(name), encode(&scalar(value)))
                };
                members.iter().map(pair).collect::<Vec<_>>().join(",")
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                encode(&scalar(value))
            }
        }
    }

    /// The pairs that stand in a query, a form or a cookie, as `name=value`.
    pub(crate) fn pairs(self, name: &str, value: &Value) -> Vec<String> {
        let pair =
            |name: &str, value: &str| format!("{}={}", encode::text(name), self.encode(value));
        match (self.style, value) {
            (_, Value::Null) => Vec::new(),
            (Style::Json, value) => vec![pair(name, &value.to_string())],
            (Style::Deep, Value::Array(_) | Value::Object(_)) => {
                let mut pairs = Vec::new();
                deep(name, value, &mut pairs);
                pairs.iter().map(|(name, value)| pair(name, value)).collect()
            }
            (_, Value::Array(items)) if items.is_empty() => Vec::new(),
            (_, Value::Array(items)) if self.explode => {
                items.iter().map(|item| pair(name, &scalar(item))).collect()
            }
            (_, Value::Array(items)) => {
                let items: Vec<String> =
                    items.iter().map(|item| self.encode(&scalar(item))).collect();
                vec![format!("{}={}", encode::text(name), items.join(self.separator()))]
            }
            (_, Value::Object(members)) if self.explode => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| pair(name, &scalar(value)))
                .collect(),
            (_, Value::Object(members)) if members.is_empty() => Vec::new(),
            (_, Value::Object(members)) => {
                let both = |(name, value): (&String, &Value)| {
                    [self.encode(name), self.encode(&scalar(value))]
                };
                let all: Vec<String> = members.iter().flat_map(both).collect();
                vec![format!("{}={}", encode::text(name), all.join(self.separator()))]
            }
            (_, value) => vec![pair(name, &scalar(value))],
        }
    }

    fn encode(self, text: &str) -> String {
        if self.reserved { encode::reserved(text) } else { encode::text(text) }
    }

    const fn separator(self) -> &'static str {
        match self.style {
            Style::Space => "%20",
            Style::Pipe => "%7C",
            Style::Simple | Style::Form | Style::Deep | Style::Json => ",",
        }
    }
}

/// `filter[range][from]`, and an index in the place of a name for lists.
fn deep(name: &str, value: &Value, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                deep(&format!("{name}[{member}]"), value, pairs);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                deep(&format!("{name}[{index}]"), value, pairs);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            pairs.push((name.to_owned(), scalar(value)));
        }
    }
}

/// A single value as text; OpenAPI has no rule for lists in lists, and JSON is what most services take there.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pairs(style: Style, explode: bool, value: &Value) -> String {
        Writing { style, explode, reserved: false }.pairs("color", value).join("&")
    }

    #[test]
    fn queries_are_written_as_the_specification_shows() {
        let (one, list) = (json!("blue"), json!(["blue", "black", "brown"]));
        let object = json!({"R": 100, "G": 200, "B": 150});
        for (style, explode, value, text) in [
            (Style::Form, true, &one, "color=blue"),
            (Style::Form, true, &json!(""), "color="),
            (Style::Form, true, &list, "color=blue&color=black&color=brown"),
            (Style::Form, false, &list, "color=blue,black,brown"),
            (Style::Form, true, &object, "R=100&G=200&B=150"),
            (Style::Form, false, &object, "color=R,100,G,200,B,150"),
            (Style::Space, false, &list, "color=blue%20black%20brown"),
            (Style::Pipe, false, &list, "color=blue%7Cblack%7Cbrown"),
            (Style::Space, false, &object, "color=R%20100%20G%20200%20B%20150"),
            (Style::Deep, true, &object, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
            (
                Style::Deep,
                true,
                &json!({"a": {"b": [1, 2]}}),
                "color%5Ba%5D%5Bb%5D%5B0%5D=1&color%5Ba%5D%5Bb%5D%5B1%5D=2",
            ),
            (Style::Json, true, &json!({"a": 1}), "color=%7B%22a%22%3A1%7D"),
            (Style::Form, false, &json!(["a,b", "c&d=e"]), "color=a%2Cb,c%26d%3De"),
            (Style::Form, true, &json!([]), ""),
            (Style::Form, true, &json!(null), ""),
        ] {
            assert_eq!(pairs(style, explode, value), text, "{style:?} {explode} {value}");
        }
    }

    #[test]
    fn paths_and_headers_are_written_as_the_specification_shows() {
        let write = |explode, value: &Value| {
            Writing { style: Style::Simple, explode, reserved: false }.simple(value, encode::text)
        };
        let object = json!({"R": 100, "G": 200});
        assert_eq!(write(false, &json!(["a/b", "c"])), "a%2Fb,c");
        assert_eq!(write(false, &object), "R,100,G,200");
        assert_eq!(write(true, &object), "R=100,G=200");
        assert_eq!(write(false, &json!(true)), "true");
    }
}
