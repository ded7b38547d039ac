//! Help that the parser does not have: exit codes, the version, wrong use as a problem object.

use clap::error::{ContextKind, ContextValue};
use mindflight_api::API_VERSION;
use serde_json::json;

use crate::{Column, Exit, Failure, Output};

/// The table of exit codes.
pub(crate) fn exit_codes() -> Output {
    let row = |exit: &Exit| json!({"code": exit.code(), "meaning": exit.meaning(), "example": exit.example()});
    let columns = [("CODE", "code"), ("MEANING", "meaning"), ("EXAMPLE", "example")]
        .map(|(title, path)| Column::new(title, path));
    Output::list(columns.into(), Exit::ALL.iter().map(row).collect(), None)
}

/// `version`.
pub(crate) fn version() -> Output {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({"name": "mindflight", "version": version, "api_version": API_VERSION});
    Output::plain(format!("mindflight {version}"), value)
}

/// What the parser found wrong, as a failure.
pub(crate) fn usage(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let detail = match first.strip_prefix("error: ") {
        Some(detail) => detail.split_whitespace().collect::<Vec<_>>().join(" "),
        // The parser answers with help alone where the command is missing.
        None => "a command is missing".to_owned(),
    };
    let failure = Failure::usage(detail);
    let kinds =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    let near = kinds.into_iter().find_map(|kind| {
        let context = error.get(kind)?;
        if let ContextValue::String(name) = context {
            return Some(format!("`{name}`"));
        }
        let ContextValue::Strings(names) = context else {
            return None;
        };
        (!names.is_empty()).then(|| format!("`{}`", names.join("` or `")))
    });
    match near {
        Some(near) => failure.fix(format!("Did you mean {near}?")),
        None => failure,
    }
}
