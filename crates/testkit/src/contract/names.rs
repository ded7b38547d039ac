//! Names that stand alone, and a listing that does not change by itself.

use std::collections::BTreeSet;

use mindflight_api::Scope;
use mindflight_core::Provider;
use mindflight_core::registry::is_name;
use serde_json::{Value, json};

use super::{Subject, with_kit};
use crate::Kit;

/// The id is one that a server takes, no two tools have the same name, scopes exist, and no tool has to be left out.
pub fn names_are_legal_and_unique<P: Provider>(subject: &Subject) {
    assert!(is_name(P::ID), "`{}` is no id of a provider", P::ID);
    with_kit::<P, _>(subject, async |kit| {
        let left_out = kit.catalog().quarantined().to_vec();
        assert!(left_out.is_empty(), "tools that cannot be used: {left_out:?}");
        let surface = kit.mounted.surface();
        let mut tools = BTreeSet::new();
        for tool in &surface.tools {
            assert!(tools.insert(&tool.name), "two tools `{}`", tool.name);
            if let Some(scope) = &tool.options.scope {
                let known = scope.parse::<Scope>();
                assert!(known.is_ok(), "the tool `{}`: {known:?}", tool.name);
            }
        }
    });
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
