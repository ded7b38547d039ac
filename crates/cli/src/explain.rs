//! `explain`: what an error code means, without a server.

use mindflight_api::Code;
use serde_json::{Value, json};

use crate::failure::codes;
use crate::{Column, Exit, Failure, Outcome, Output};

/// Explains one code, or lists all.
pub(crate) fn run(code: Option<&str>) -> Outcome {
    let Some(name) = code else {
        let columns = vec![
            Column::new("CODE", "code"),
            Column::new("STATUS", "status"),
            Column::new("FAULT", "fault"),
            Column::new("TITLE", "title"),
        ];
        return Ok(Output::list(columns, all().map(describe).collect(), None));
    };
    let code = all().find(|code| code.name == name).ok_or_else(|| unknown(name))?;
    let value = describe(code);
    let word = |member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let lines = vec![
        format!("{}: {}", code.name, code.title),
        format!("  status {}, fault: {}, retry: {}", code.status, word("fault"), word("retry")),
        format!("  {}", code.fix),
    ];
    Ok(Output::text(lines, value))
}

fn all() -> impl Iterator<Item = &'static Code> {
    mindflight_api::codes::ALL.iter().chain(codes::ALL)
}

fn describe(code: &Code) -> Value {
    json!({
        "code": code.name,
        "status": code.status,
        "title": code.title,
        "fault": code.fault,
        "retry": code.retry,
        "fix": code.fix,
    })
}

fn unknown(name: &str) -> Failure {
    let mut near: Vec<(f64, &str)> = all()
        .map(|code| (strsim::jaro_winkler(name, code.name), code.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0));
    let names: Vec<&str> = near.iter().take(3).map(|(_, name)| *name).collect();
    let detail = if names.is_empty() {
        format!("no error code `{name}` of the server or the command line")
    } else {
        format!("no error code `{name}`; near it: {}", names.join(", "))
    };
    Failure::new(Exit::NotFound, &mindflight_api::codes::NOT_FOUND, detail)
        .fix("`mindflight explain` lists the codes; providers document their own.")
}
