//! References within the document.

use serde_json::Value;

use crate::encode;

/// Why something cannot be used, in words for an operator.
pub(crate) type Reason = String;

/// References that lead to references, at most.
const LONGEST_CHAIN: usize = 32;

/// The document, as what references are about.
#[derive(Clone, Copy)]
pub(crate) struct Root<'a>(pub(crate) &'a Value);

impl<'a> Root<'a> {
    /// The value, or what it refers to.
    pub(crate) fn resolve(self, value: &'a Value) -> Result<&'a Value, Reason> {
        let mut value = value;
        for _ in 0..LONGEST_CHAIN {
            match value.get("$ref").and_then(Value::as_str) {
                Some(reference) => value = self.target(reference)?,
                None => return Ok(value),
            }
        }
        Err("a reference leads to itself".to_owned())
    }

    /// What a reference leads to.
    pub(crate) fn target(self, reference: &str) -> Result<&'a Value, Reason> {
        let Some(fragment) = reference.strip_prefix('#') else {
            return Err(format!("the reference `{reference}` leads out of the document"));
        };
        let pointer = encode::decoded(fragment);
        let found = self.0.pointer(&pointer);
        found.ok_or_else(|| format!("the reference `{reference}` leads nowhere"))
    }
}

/// The last part of a reference, which is what people call its target.
pub(crate) fn name(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}
