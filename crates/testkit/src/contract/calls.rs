//! Calls that are wrong, and what their callers read.

use mindflight_api::tool::Tool;
use mindflight_core::Provider;
use serde_json::{Map, Value, json};

use super::{Subject, with_kit};

/// An argument that no tool has.
const UNKNOWN: &str = "no_such_argument_anywhere";

/// An argument that a tool does not have is refused by name, unless the tool is open.
pub fn an_unknown_argument_is_refused_by_name<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        let surface = kit.mounted.surface();
        for tool in surface.tools.iter().filter(|tool| !tool.options.open) {
            let reply = kit.call(&tool.name, json!({UNKNOWN: 1})).await;
            let problem = reply.assert_error().code("invalid_arguments").status(422);
            problem.names_field(&format!("/{UNKNOWN}"));
        }
    });
}

/// Every required argument that is not there is named, all at once.
pub fn missing_arguments_are_named<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        for tool in kit.tools() {
            let required = tool.input_schema["required"].as_array();
            let required = required.cloned().unwrap_or_default();
            if required.is_empty() {
                continue;
            }
            let reply = kit.call(&tool.name, json!({})).await;
            let mut problem = reply.assert_error().code("invalid_arguments");
            for name in required.iter().filter_map(Value::as_str) {
                problem = problem.names_field(&pointer(name));
            }
        }
    });
}

/// An argument of another type than the schema's is refused by name.
pub fn a_mistyped_argument_is_refused_by_name<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        for tool in kit.tools() {
            for (name, wrong) in mistyped(&tool) {
                let arguments = Map::from_iter([(name.clone(), wrong)]);
                let reply = kit.call(&tool.name, arguments.into()).await;
                let problem = reply.assert_error().code("invalid_arguments").status(422);
                problem.names_field(&pointer(&name));
            }
        }
    });
}

/// A value of a wrong type for each argument that has one type.
fn mistyped(tool: &Tool) -> Vec<(String, Value)> {
    let properties = tool.input_schema["properties"].as_object();
    let properties = properties.into_iter().flatten();
    properties
        .filter_map(|(name, property)| {
            let wrong = match property["type"].as_str()? {
                "string" => json!(["a list"]),
                _ => json!("a text"),
            };
            Some((name.clone(), wrong))
        })
        .collect()
}

/// A call without arguments may be refused, and must not panic.
pub fn no_tool_panics_without_arguments<P: Provider>(subject: &Subject) {
    with_kit::<P, _>(subject, async |kit| {
        let surface = kit.mounted.surface();
        let is_meant = |name: &str| subject.panics.contains(&name);
        for tool in surface.tools.iter().filter(|tool| !is_meant(&tool.name)) {
            let reply = kit.call(&tool.name, json!({})).await;
            if let Some(error) = reply.error() {
                assert_ne!(error.name(), "tool_panicked", "`{}`: {error:?}", tool.name);
                assert_ne!(error.name(), "invalid_result", "`{}`: {error:?}", tool.name);
            }
        }
    });
}

fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
