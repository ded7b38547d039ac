//! Names, descriptions, and a listing that does not change by itself.

use std::collections::BTreeSet;

use mindflight_api::Scope;
use mindflight_core::Provider;
use mindflight_core::registry::is_name;
use serde_json::{Value, json};

use super::{Subject, is_word, with_kit};
use crate::Kit;

/// The longest first sentence: it stands alone in lists.
const LONGEST_SENTENCE: usize = 120;

/// The id and the tools have names that a server takes, no two the same; scopes exist, and no tool has to be left
/// out.
pub fn names_are_legal_and_unique<P: Provider>(subject: &Subject) {
    assert!(is_name(P::ID), "`{}` is no id of a provider", P::ID);
    with_kit::<P, _>(subject, async |kit| {
        let left_out = kit.catalog().quarantined().to_vec();
        assert!(left_out.is_empty(), "tools that cannot be used: {left_out:?}");
        let surface = kit.mounted.surface();
        let mut tools = BTreeSet::new();
        for tool in &surface.tools {
            assert!(is_word(&tool.name), "`{}` is no name of a tool", tool.name);
            assert!(tools.insert(&tool.name), "two tools `{}`", tool.name);
            if let Some(scope) = &tool.options.scope {
                let known = scope.parse::<Scope>();
                assert!(known.is_ok(), "the tool `{}`: {known:?}", tool.name);
            }
        }
    });
}

/// Every tool says what it does in a first sentence that stands alone, and every parameter says what it is.
pub fn tools_and_parameters_are_described<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        for tool in kit.tools() {
            let about = tool.description.trim();
            assert!(!about.is_empty(), "`{}` has no description", tool.name);
            let sentence = about.split(". ").next().unwrap_or(about);
            let length = sentence.chars().count();
            assert!(
                length <= LONGEST_SENTENCE,
                "`{}`: the first sentence has {length} characters, {LONGEST_SENTENCE} are allowed: {sentence}",
                tool.name
            );
            parameters_are_described(&tool.name, &tool.input_schema);
        }
    });
}

fn parameters_are_described(at: &str, schema: &Value) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        let described =
            property["description"].as_str().is_some_and(|text| !text.trim().is_empty());
        assert!(described, "`{at}` has no description: give the field a doc comment");
        parameters_are_described(&at, property);
        parameters_are_described(&at, &property["items"]);
    }
}

/// Two servers with the same configuration list the same.
pub fn listing_is_the_same_each_time<P: Provider>(subject: &Subject) {
    let list = || with_kit::<P, _>(subject, async |kit| listing(&kit));
    assert_eq!(list(), list());
    with_kit::<P, _>(subject, async |kit| {
        assert_eq!(listing(&kit), listing(&kit));
    });
}

fn listing<P: Provider>(kit: &Kit<P>) -> Value {
    let surface = kit.mounted.surface();
    let tools =
        surface.tools.iter().map(|tool| json!([tool.name, tool.about, tool.input, tool.output]));
    let routes = surface.routes.iter().map(|route| json!([route.method.as_str(), route.path]));
    let kinds = surface.jobs.iter().map(|kind| json!([kind.name, kind.args]));
    let patterns = surface.subscriptions.iter().map(|one| json!([one.pattern, one.source]));
    let all: Vec<Value> = tools.chain(routes).chain(kinds).chain(patterns).collect();
    Value::Array(all)
}
