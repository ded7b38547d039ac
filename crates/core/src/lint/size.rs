//! P4: what a model has to read, and how much can come back.

use serde_json::{Value, json};

use super::rules::{P401, P402, P403};
use super::words::bounds_a_list;
use super::{Findings, Subject, members};
use crate::tools::Tool;

/// Bytes of English text or JSON for one token, on average.
const BYTES: usize = 4;
const MOST_OF_TOOL: usize = 400;
const MOST_OF_PROVIDER: usize = 4_000;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    let mut total = 0;
    for tool in &subject.surface.tools {
        let at = subject.tool(&tool.name);
        let tokens = tokens(tool);
        total += tokens;
        if tokens > MOST_OF_TOOL {
            found.add(&P401, &at, format!("about {tokens} tokens"));
        }
        if let Some(list) = endless(tool) {
            found.add(&P403, &at, format!("{list} has no bound, and no argument sets one"));
        }
    }
    if total > MOST_OF_PROVIDER {
        let tools = subject.surface.tools.len();
        found.add(&P402, "provider", format!("about {total} tokens in {tools} tools"));
    }
}

/// What a model reads of a tool.
fn tokens(tool: &Tool) -> usize {
    let text = json!({"name": tool.name, "description": tool.about, "parameters": tool.input});
    text.to_string().len() / BYTES
}

/// The list in the result that can grow without end.
fn endless(tool: &Tool) -> Option<String> {
    if members(&tool.input, "properties").any(|(name, _)| bounds_a_list(name)) {
        return None;
    }
    let grows = |schema: &Value| schema["type"] == "array" && schema.get("maxItems").is_none();
    if grows(&tool.output) {
        return Some("the result".to_owned());
    }
    let mut lists = members(&tool.output, "properties").filter(|(_, schema)| grows(schema));
    lists.next().map(|(name, _)| format!("`{name}` in the result"))
}
