//! `explain`: what an error code or a rule of `provider check` means, without a server.

use mindflight_api::Code;
use serde_json::{Value, json};

use crate::failure::codes;
use crate::local::Rule;
use crate::{Column, Exit, Failure, Outcome, Output};

/// Explains one code, or lists all.
pub(crate) fn run(code: Option<&str>, rules: &[Rule]) -> Outcome {
    let Some(name) = code else {
        return Ok(list(rules));
    };
    let is_rule = |rule: &&Rule| rule.code.eq_ignore_ascii_case(name);
    if let Some(rule) = rules.iter().find(is_rule) {
        return Ok(explained(rule));
    }
    let code = all().find(|code| code.name == name).ok_or_else(|| unknown(name, rules))?;
    let value = describe(code);
    let word = |member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let lines = vec![
        format!("{}: {}", code.name, code.title),
        format!("  status {}, fault: {}, retry: {}", code.status, word("fault"), word("retry")),
        format!("  {}", code.fix),
    ];
    Ok(Output::text(lines, value))
}

fn list(rules: &[Rule]) -> Output {
    let columns = vec![
        Column::new("CODE", "code"),
        Column::new("STATUS", "status"),
        Column::new("FAULT", "fault"),
        Column::new("TITLE", "title"),
    ];
    let codes = Output::list(columns, all().map(describe).collect(), None)
        .member("rules", rules.iter().map(of_rule).collect());
    match rules {
        [first, .., last] => codes.note(format!(
            "the rules of `provider check` have codes, too: {} to {}, as `mindflight explain {}`",
            first.code, last.code, first.code
        )),
        [] | [_] => codes,
    }
}

fn explained(rule: &Rule) -> Output {
    let lines = vec![
        format!("{}: {}", rule.code, rule.title),
        format!("  {} of `mindflight provider check`", rule.level),
        format!("  {}", rule.why),
        format!("  {}", rule.fix),
    ];
    Output::text(lines, of_rule(rule))
}

fn of_rule(rule: &Rule) -> Value {
    let Rule { code, level, title, why, fix } = rule;
    json!({"code": code, "level": level, "title": title, "why": why, "fix": fix})
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

fn unknown(name: &str, rules: &[Rule]) -> Failure {
    let known = all().map(|code| code.name).chain(rules.iter().map(|rule| rule.code));
    let mut near: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
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
