//! `provider check`: what the linked providers bring, held against the rules of the core.

use mindflight_cli::{Column, Exit, Failure, Outcome, Output, ProviderCheck, Rule, codes};
use mindflight_server::Registry;
use mindflight_server::check::{self, Checked, Finding, Level, RULES, UnknownProvider};
use mindflight_server::config::Mode;
use serde_json::{Value, json};

use crate::config;

/// Every rule, for `explain`.
pub(crate) fn rules() -> Vec<Rule> {
    let told = |rule: &&check::Rule| {
        let check::Rule { code, level, title, why, fix, .. } = *rule;
        Rule { code, level: level.name(), title, why, fix }
    };
    RULES.iter().map(told).collect()
}

pub(crate) fn run(check: &ProviderCheck, registry: &Registry) -> Outcome {
    let loaded = config::read(Mode::Dev, &check.place, Vec::new())?;
    let checked = check::check(&loaded.config, registry, &check.names);
    let checked = checked.map_err(|unknown| no_such(&unknown))?;
    let mut found: Vec<(&str, &Finding)> = Vec::new();
    let mut unchecked: Vec<(&str, &str)> = Vec::new();
    for Checked { name, found: outcome } in &checked {
        match outcome {
            Ok(findings) => found.extend(findings.iter().map(|finding| (name.as_str(), finding))),
            Err(reason) => unchecked.push((name, &reason.0)),
        }
    }
    let count = |level| found.iter().filter(|(_, finding)| finding.rule.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let exit = if errors > 0 || (check.strict && warnings > 0) {
        Exit::Invalid
    } else if !check.names.is_empty() && !unchecked.is_empty() {
        // Whoever asks for one by its name wants to know that nothing was found out.
        Exit::No
    } else {
        Exit::Done
    };
    let beside = unchecked.iter().map(|(name, reason)| json!({"provider": name, "reason": reason}));
    let items = found.iter().map(|(name, finding)| item(name, finding)).collect();
    let output = Output::list(columns(), items, None).member("unchecked", beside.collect());
    let output = unchecked.iter().fold(output, |output, (name, reason)| {
        output.note(format!("`{name}` is not checked: {reason}"))
    });
    let good = checked.len() - unchecked.len();
    let sum = format!("{good} checked: {errors} errors, {warnings} warnings");
    let output = output.note(sum).exit_with(exit);
    Ok(match found.first() {
        Some((_, finding)) => {
            output.note(format!("what to do: mindflight explain {}", finding.rule.code))
        }
        None => output,
    })
}

fn columns() -> Vec<Column> {
    [
        ("RULE", "rule"),
        ("LEVEL", "level"),
        ("PROVIDER", "provider"),
        ("AT", "at"),
        ("DETAIL", "detail"),
    ]
    .map(|(title, path)| Column::new(title, path))
    .into()
}

fn item(provider: &str, finding: &Finding) -> Value {
    let rule = finding.rule;
    json!({
        "rule": rule.code,
        "level": rule.level.name(),
        "provider": provider,
        "at": finding.at,
        "detail": finding.detail,
        "title": rule.title,
        "fix": rule.fix,
    })
}

fn no_such(unknown: &UnknownProvider) -> Failure {
    Failure::new(Exit::NotFound, &codes::LOCAL, unknown.to_string())
        .fix(format!("Near it: {}.", unknown.near.join(", ")))
}
