//! P3: marks that clients trust, secrets, and doors that stand open.

use http::Method;
use serde_json::Value;

use super::rules::{P301, P302, P303, P304, P305, P306};
use super::words::{self, act_and_thing};
use super::{Findings, Subject, members};
use crate::routes::Access;
use crate::tools::Tool;

pub(super) fn check(subject: &Subject<'_>, found: &mut Findings) {
    for tool in &subject.surface.tools {
        let at = subject.tool(&tool.name);
        promises(tool, &at, found);
        for (name, _) in
            members(&tool.input, "properties").filter(|(name, _)| words::is_secret(name))
        {
            found.add(
                &P306,
                format!("{at}, argument {name}"),
                format!("`{name}` sounds like a secret"),
            );
        }
    }
    settings(&subject.settings, "", found);
    for route in &subject.surface.routes {
        let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&route.method);
        if matches!(route.access, Access::Public) && !reads {
            let at = format!("route {} {}", route.method, route.path);
            found.add(&P304, at, "it is public");
        }
    }
}

fn promises(tool: &Tool, at: &str, found: &mut Findings) {
    let options = &tool.options;
    let act = act_and_thing(&tool.name).0.unwrap_or_default();
    if options.read_only && words::acts(&act) {
        found.add(&P301, at, format!("`{act}` is no reading"));
    }
    if words::deletes(&act) && !options.destructive {
        found.add(&P302, at, format!("`{act}` and not `destructive()`"));
    }
    if options.read_only && options.destructive {
        found.add(&P305, at, "`read_only()` and `destructive()`");
    }
    if options.cache_for.is_some() && !options.read_only {
        found.add(&P305, at, "`cache_for(…)` and not `read_only()`");
    }
}

/// Settings, and those inside them.
pub(super) fn settings(schema: &Value, path: &str, found: &mut Findings) {
    for (name, setting) in members(schema, "properties") {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let hidden = setting["writeOnly"] == true || setting["format"] == "password";
        if words::is_secret(name) && is_text(setting) && !hidden {
            found.add(&P303, format!("setting {path}"), "it is not `writeOnly`");
        }
        settings(setting, &path, found);
    }
}

/// Whether a setting holds a text, if any.
fn is_text(setting: &Value) -> bool {
    match &setting["type"] {
        Value::String(kind) => kind == "string",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "string"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}
