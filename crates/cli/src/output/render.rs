//! From what a command gives to the text of each form.

use serde_json::{Value, json};

use super::person::printable;
use super::table::{Column, table};
use super::{Body, Output, fields};
use crate::Failure;
use crate::parser::Form;

/// The text for stdout.
pub(super) fn output(
    output: &Output,
    form: Form,
    paths: &[String],
    color: bool,
) -> Result<String, Failure> {
    match &output.body {
        Body::Nothing => Ok(String::new()),
        Body::List { columns, items, next, beside } => {
            fields::check(&items.iter().collect::<Vec<_>>(), paths)?;
            let items = picked(items, paths);
            if form != Form::Json {
                return Ok(list(columns, &items, next.as_deref(), (form, paths, color)));
            }
            let mut document = beside.clone();
            document.insert("items".to_owned(), Value::Array(items));
            document.insert("next".to_owned(), json!(next));
            Ok(pretty(&Value::Object(document)))
        }
        Body::Plain { value, .. } | Body::Text { value, .. } if !paths.is_empty() => {
            fields::check(&[value], paths)?;
            let items = picked(std::slice::from_ref(value), paths);
            Ok(if form == Form::Table {
                table(&columns_of(paths), &items, color)
            } else {
                one(&items[0], form, || text_of(&output.body))
            })
        }
        Body::Plain { value, .. } | Body::Text { value, .. } => {
            Ok(one(value, form, || text_of(&output.body)))
        }
    }
}

/// The hints for stderr.
pub(super) fn notes(output: &Output) -> String {
    let mut text: String = output.notes.iter().map(|line| printable(line) + "\n").collect();
    if let Body::List { items, next, .. } = &output.body {
        if items.is_empty() {
            text.push_str("none\n");
        }
        if let Some(next) = next {
            text.push_str(&format!("more: --cursor {}\n", printable(next)));
        }
    }
    text
}

/// The text of a failure, and whether it is data for stdout.
pub(super) fn failure(failure: &Failure, form: Form, color: bool) -> (String, bool) {
    match form {
        Form::Json => (pretty(&json!({"error": as_json(failure)})), true),
        Form::Jsonl => {
            let end = json!({"type": "end", "reason": "error", "error": as_json(failure)});
            (format!("{end}\n"), true)
        }
        Form::Table | Form::Name => (for_people(failure, color), false),
    }
}

/// The problem object, with the further lines as a member of their own.
fn as_json(failure: &Failure) -> Value {
    let mut error = json!(failure.problem());
    if !failure.lines().is_empty() {
        error["lines"] = json!(failure.lines());
    }
    error
}

fn for_people(failure: &Failure, color: bool) -> String {
    let problem = failure.problem();
    let (on, off) = if color { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
    let mut lines = vec![format!("{} ({})", problem.detail, problem.code)];
    lines.extend(problem.errors.iter().map(|error| {
        let place = if error.pointer.is_empty() { "the whole" } else { &error.pointer };
        let allowed: Vec<String> = error.allowed.iter().map(Value::to_string).collect();
        let allowed = allowed.join(", ");
        let allowed = if allowed.is_empty() { allowed } else { format!("; allowed: {allowed}") };
        format!("  {place}: {}{allowed}", error.detail)
    }));
    lines.extend(failure.lines().iter().map(|line| format!("  {line}")));
    lines.extend(problem.fix.iter().map(|fix| format!("  fix: {fix}")));
    lines.extend(problem.retry_after_ms.map(|wait| format!("  may work again in {wait} ms")));
    if !problem.request_id.is_empty() {
        lines.push(format!("  request: {}", problem.request_id));
    }
    format!("{on}error:{off} {}\n", printable(&lines.join("\n")))
}

fn list(
    columns: &[Column],
    items: &[Value],
    next: Option<&str>,
    (form, paths, color): (Form, &[String], bool),
) -> String {
    match form {
        Form::Table if items.is_empty() => String::new(),
        Form::Table if paths.is_empty() => table(columns, items, color),
        Form::Table => table(&columns_of(paths), items, color),
        Form::Json | Form::Jsonl => {
            let mut text: String = items.iter().map(|item| format!("{item}\n")).collect();
            let reason = if next.is_some() { "more" } else { "complete" };
            text.push_str(&format!("{}\n", json!({"type": "end", "reason": reason, "next": next})));
            text
        }
        Form::Name => {
            let custom = columns_of(paths);
            let name = custom.first().or(columns.first());
            items.iter().filter_map(|item| Some(name?.of(item) + "\n")).collect()
        }
    }
}

fn one(value: &Value, form: Form, text: impl Fn() -> String) -> String {
    match form {
        Form::Table => text(),
        Form::Json => pretty(value),
        Form::Jsonl => format!("{value}\n{}\n", json!({"type": "end", "reason": "complete"})),
        Form::Name => {
            let members = ["name", "id", "key", "code"];
            let name = members.iter().find_map(|member| value.get(member)?.as_str());
            name.map_or_else(text, |name| printable(name) + "\n")
        }
    }
}

fn text_of(body: &Body) -> String {
    match body {
        Body::Plain { text, .. } => format!("{text}\n"),
        Body::Text { lines, .. } => lines.iter().map(|line| printable(line) + "\n").collect(),
        Body::Nothing | Body::List { .. } => String::new(),
    }
}

fn picked(items: &[Value], paths: &[String]) -> Vec<Value> {
    if paths.is_empty() {
        return items.to_vec();
    }
    items.iter().map(|item| fields::pick(item, paths)).collect()
}

fn columns_of(paths: &[String]) -> Vec<Column> {
    paths.iter().map(|path| Column::new(&path.to_uppercase(), path)).collect()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
