//! Schemas of arguments that every vendor of models takes.

use mindflight_testkit::Kit;
use provider_openapi::OpenApi;
use serde_json::{Value, json};

use crate::{nasty, petstore};

/// Words that a vendor refuses, or reads in its own way.
const REFUSED: [&str; 16] = [
    "$ref",
    "$defs",
    "definitions",
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "const",
    "nullable",
    "discriminator",
    "patternProperties",
    "prefixItems",
    "readOnly",
    "xml",
    "example",
];

fn look_at(schema: &Value, at: &str) {
    let object = schema.as_object().unwrap_or_else(|| panic!("{at}: {schema}"));
    for word in REFUSED {
        assert!(!object.contains_key(word), "{at}: {word}");
    }
    if let Some(kind) = object.get("type") {
        assert!(kind.is_string(), "{at}: {kind}");
        assert!(kind != "array" || object.contains_key("items"), "{at}: no items");
    }
    for choice in schema["enum"].as_array().into_iter().flatten() {
        assert!(choice.is_string(), "{at}: {choice}");
    }
    assert!(schema["exclusiveMinimum"].as_bool().is_none(), "{at}");
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        look_at(property, &format!("{at}.{name}"));
    }
    for (word, inner) in [("items", "[]"), ("additionalProperties", ".*")] {
        if let Some(inside) = object.get(word).filter(|inside| !inside.is_boolean()) {
            look_at(inside, &format!("{at}{inner}"));
        }
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        look_at(choice, &format!("{at}|"));
    }
}

fn all(kit: &Kit<OpenApi>) {
    for tool in kit.tools() {
        let input = &tool.input_schema;
        look_at(input, &tool.name);
        assert_eq!(
            (&input["type"], &input["additionalProperties"]),
            (&json!("object"), &json!(false))
        );
        assert!(input.get("anyOf").is_none());
        for (name, property) in input["properties"].as_object().into_iter().flatten() {
            let legal = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            assert!(name.len() <= 64 && name.chars().all(legal), "{name}");
            assert!(property["description"].is_string(), "{}.{name}", tool.name);
        }
        assert!(!tool.description.is_empty() && tool.description.chars().count() <= 600);
        let sentence = tool.description.split(". ").next().unwrap_or_default();
        assert!(sentence.chars().count() <= 120, "{sentence}");
    }
}

#[tokio::test]
async fn schemas_of_all_fixtures_suit_every_model() {
    all(&petstore().await);
    all(&nasty().await);
}

#[tokio::test]
async fn a_body_is_described_without_what_only_answers_have() {
    let kit = petstore().await;
    let tool = kit.tools().into_iter().find(|tool| tool.name.ends_with("create_pet")).unwrap();
    assert_eq!(
        tool.input_schema["properties"]["body"],
        json!({
            "type": "object", "required": ["name"], "description": "The new pet.",
            "properties": {
                "name": {"type": "string", "minLength": 1, "description": "Its name. Example: `Rex`."},
                "owner": {"type": "string", "description": "Whose it is."},
                "weight": {"type": "number", "exclusiveMinimum": 0, "description": "In kilograms."},
                "status": {"type": "string", "enum": ["available", "sold"], "description": "Whether it can be had."},
            }
        })
    );
    assert_eq!(tool.input_schema["required"], json!(["body"]));
}

#[tokio::test]
async fn parts_cycles_and_choices_are_drawn_together() {
    let kit = nasty().await;
    let tools = kit.tools();
    let create =
        tools.iter().find(|tool| tool.input_schema["properties"]["body_query"].is_object());
    let tree = &create.unwrap().input_schema["properties"]["body"];
    assert_eq!(tree["required"], json!(["name"]));
    assert_eq!(tree["properties"]["note"], json!({"type": "string"}));
    assert!(tree["properties"].get("made").is_none() && tree["properties"].get("never").is_none());
    assert!(tree.get("additionalProperties").is_none(), "{tree}");
    let child = &tree["properties"]["children"]["items"];
    assert_eq!(child["type"], "object");
    assert!(child["description"].as_str().unwrap().contains("`Tree`"), "{child}");

    let patch = tools.iter().find(|tool| tool.description.contains("PATCH /trees")).unwrap();
    let note = &patch.input_schema["properties"]["body"]["properties"]["note"];
    assert_eq!(note["anyOf"], json!([{"type": "string"}, {"type": "null"}]));

    let animals = tools.iter().find(|tool| tool.description.contains("POST /animals")).unwrap();
    let animal = &animals.input_schema["properties"]["body"];
    assert_eq!(animal["anyOf"].as_array().unwrap().len(), 2);
    assert_eq!(
        animal["anyOf"][0]["properties"]["kind"],
        json!({"type": "string", "enum": ["cat"]})
    );
    assert_eq!(animal["description"], "`kind` says which form it has: cat, dog.");
}
