//! What callers get of a program that ended.

use std::os::unix::process::ExitStatusExt as _;

use mindflight_core::{Error, Result};
use serde_json::{Value, json};

use crate::config::{OutputKind, ToolConfig};
use crate::output::Output;
use crate::run::Ended;

/// Characters of all texts in a result, as JSON: a result is at most 1 MiB.
const MOST_TEXT: usize = 750_000;
const MOST_ERRORS: usize = 100_000;
/// What an error says of the program's error output.
const MOST_LINES: usize = 5;
const MOST_QUOTED: usize = 500;

/// The schema of the result.
pub(crate) fn schema(kind: OutputKind) -> Value {
    let (name, output) = match kind {
        OutputKind::Text => ("stdout", json!({"type": "string", "description": "What it wrote."})),
        OutputKind::Json => ("value", json!({"description": "What it wrote, as JSON."})),
        OutputKind::Lines => (
            "lines",
            json!({"type": "array", "items": {"type": "string"}, "description": "What it wrote, line by line."}),
        ),
    };
    let mut schema = json!({
        "type": "object",
        "properties": {
            "exit_code": {"type": "integer", "description": "With which it ended."},
            "stderr": {"type": "string", "description": "What it wrote as errors."},
            "truncated": {"type": "boolean", "description": "Its output was longer; this is the beginning."},
            "lossy": {"type": "boolean", "description": "Its output was no UTF-8; what could not be read is `\u{fffd}`."},
        },
        "required": ["exit_code", name, "stderr", "truncated", "lossy"],
    });
    schema["properties"][name] = output;
    schema
}

/// The result, or the error that the program's end is.
pub(crate) fn of(name: &str, settings: &ToolConfig, ended: Ended) -> Result<Value> {
    let Ended { status, output, errors } = ended;
    let code = match status.code() {
        Some(code) if settings.success_codes.contains(&code) => code,
        Some(code) => return Err(failed(format!("`{name}` ended with exit code {code}"), &errors)),
        None => {
            let signal = status.signal().unwrap_or_default();
            return Err(failed(format!("`{name}` was ended by signal {signal}"), &errors));
        }
    };
    let (mut text, lossy) = output.text();
    let (mut stderr, errors_lossy) = errors.text();
    let is_cut = output.is_cut() | cut(&mut text, MOST_TEXT) | cut(&mut stderr, MOST_ERRORS);
    let truncated = is_cut | errors.is_cut();
    let mut result = json!({"exit_code": code});
    match settings.output {
        OutputKind::Text => result["stdout"] = json!(text),
        OutputKind::Lines => result["lines"] = json!(text.lines().collect::<Vec<_>>()),
        OutputKind::Json => result["value"] = read_json(name, &text, output.is_cut())?,
    }
    result["stderr"] = json!(stderr);
    result["truncated"] = json!(truncated);
    result["lossy"] = json!(lossy || errors_lossy);
    Ok(result)
}

fn read_json(name: &str, text: &str, is_cut: bool) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let detail = match is_cut {
            true => format!("`{name}` wrote more JSON than `max_output_bytes` allows"),
            false => format!("`{name}` wrote what is no JSON: {error}"),
        };
        Error::upstream(detail).code("command.not_json")
    })
}

fn failed(what: String, errors: &Output) -> Error {
    let (text, _) = errors.text();
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty()).take(MOST_LINES).collect();
    let quoted: String = lines.join("\n").chars().take(MOST_QUOTED).collect();
    let detail = if quoted.is_empty() { what } else { format!("{what}: {quoted}") };
    Error::upstream(detail).code("command.failed")
}

/// Cuts a text that would be longer than this in JSON; whether it was.
fn cut(text: &mut String, most: usize) -> bool {
    let mut length = 0;
    let end = text.char_indices().find_map(|(at, c)| {
        length += match c {
            // As its own string in a list it has quotes and a comma.
            '\n' => 3,
            '"' | '\\' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
            c if u32::from(c) < 0x20 => 6,
            c => c.len_utf8(),
        };
        (length > most).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
    }
    end.is_some()
}
