//! Settings that cannot work are named when the provider is built, all at once.

use mindflight_testkit::Kit;
use provider_command::Command;
use serde_json::{Value, json};

use crate::programs::Programs;

async fn mistakes(tools: Value) -> String {
    let error = Kit::<Command>::try_new(json!({"tools": tools})).await.err();
    error.expect("it should not have been built").detail().to_owned()
}

async fn mistake(mut tool: Value, says: &str) {
    let defaults = json!({"about": "Runs.", "program": "echo"});
    for (key, value) in defaults.as_object().expect("as it is listed") {
        if tool.get(key).is_none() {
            tool[key] = value.clone();
        }
    }
    let detail = mistakes(json!({"run": tool})).await;
    assert!(detail.contains(says), "{says:?} in {detail:?}");
    assert!(detail.contains("`tools.run`"), "{detail}");
}

#[tokio::test]
async fn every_mistake_of_every_tool_is_named_at_once() {
    let detail = mistakes(json!({
        "one": {
            "about": " ", "program": "no-such-program-anywhere", "args": ["{unknown}", "{"],
            "parameters": {"unused": {"description": "x"}},
        },
        "two": {
            "about": "Runs.", "program": "/no/such/program", "args": ["{unknown}"], "timeout": "1s",
            "parameters": {"unused": {"description": ""}},
        },
        "Three": {"about": "Runs.", "program": "echo"},
        "good": {"about": "Runs.", "program": "echo"},
    }))
    .await;
    for part in [
        "`tools.one`: `about` is empty",
        "`tools.one`: `program` `no-such-program-anywhere` is in none of /usr/local/bin, /usr/bin, /bin",
        "`tools.one`: args[1]",
        "`tools.two`: `program` `/no/such/program` is not there",
        "`tools.two`: `parameters.unused`: `description` is empty",
        "`tools.Three`: a name is a-z",
    ] {
        assert!(detail.contains(part), "{part:?} in {detail:?}");
    }
    assert!(!detail.contains("tools.good"), "{detail}");
    assert!(mistakes(json!({})).await.contains("at least one"));
}

#[tokio::test]
async fn places_and_parameters_have_to_fit_each_other() {
    let a = json!({"a": {"description": "A."}});
    mistake(json!({"args": ["{b}"]}), "`{b}` stands for no parameter").await;
    mistake(json!({"args": ["{b}"], "parameters": a}), "the parameter `a` is used nowhere").await;
    mistake(json!({"args": [["--x"]]}), "never left out").await;
    mistake(json!({"args": [["{a?}", "-x"]], "parameters": a}), "type boolean").await;
    mistake(json!({"args": [["{a?}"]], "parameters": a}), "adds no argument").await;
    mistake(json!({"args": ["{a?}"], "parameters": a}), "brace").await;
    let optional = json!({"a": {"description": "A.", "required": false}});
    mistake(json!({"args": ["{a}"], "parameters": optional}), "`{a}` may be missing").await;
    for text in ["{", "}", "{}", "{A}", "{a b}", "{a", "a}", "{{a}", "nul\0"] {
        mistake(json!({"args": [text], "parameters": a}), "args[0]").await;
        mistake(json!({"stdin": text, "parameters": a}), "stdin").await;
    }
}

#[tokio::test]
async fn parameters_have_to_make_sense() {
    let cases = [
        (json!({"type": "integer", "pattern": "x"}), "are for type string"),
        (json!({"min": 1}), "are for the types integer and number"),
        (json!({"type": "integer", "min": 2, "max": 1}), "`min` is more than `max`"),
        (json!({"enum": []}), "`enum` is empty"),
        (json!({"enum": ["a", 1]}), "1 is not of type string"),
        (json!({"enum": ["a"], "default": "b"}), "not in `enum`"),
        (json!({"type": "boolean", "default": "yes"}), "not of type boolean"),
        (json!({"pattern": "("}), "no regular expression"),
    ];
    for (mut parameter, says) in cases {
        parameter["description"] = json!("A.");
        mistake(json!({"args": ["{a}"], "parameters": {"a": parameter}}), says).await;
    }
}

#[tokio::test]
async fn limits_and_promises_have_to_make_sense() {
    let programs = Programs::new();
    let no_program = programs.at("text");
    std::fs::write(&no_program, "not executable").unwrap();
    let cases = [
        (json!({"program": no_program}), "cannot be run"),
        (json!({"program": programs.at("")}), "cannot be run"),
        (json!({"program": "bin/echo"}), "name without a slash"),
        (json!({"program": "../echo"}), "name without a slash"),
        (json!({"working_dir": "relative"}), "`working_dir`"),
        (json!({"working_dir": "/no/such/folder"}), "`working_dir`"),
        (json!({"env": {"A=B": "x"}}), "`env`"),
        (json!({"max_output_bytes": 0}), "`max_output_bytes`"),
        (json!({"max_output_bytes": 1_048_576}), "`max_output_bytes`"),
        (json!({"success_codes": []}), "`success_codes`"),
        (json!({"concurrency": 0}), "`concurrency`"),
        (json!({"read_only": true, "destructive": true}), "cannot be both"),
    ];
    for (tool, says) in cases {
        mistake(tool, says).await;
    }
    for timeout in ["0s", "6m", "5", "-1s", "1h", ""] {
        let detail =
            mistakes(json!({"run": {"about": "Runs.", "program": "echo", "timeout": timeout}}))
                .await;
        assert!(detail.contains("is no time-out"), "{detail}");
    }
}

#[tokio::test]
async fn a_tool_is_listed_with_a_closed_schema_and_its_promises() {
    let kit = Kit::<Command>::new(json!({"tools": {"look": {
        "about": "Looks.", "program": "echo", "args": ["{what}", "{n}"], "idempotent": true,
        "parameters": {
            "what": {"description": "What.", "enum": ["a", "b"], "pattern": "a|b", "max_length": 1},
            "n": {"type": "integer", "description": "How many.", "min": 1, "max": 9, "default": 3},
        },
    }}}))
    .await;
    let tools = kit.tools();
    assert_eq!(tools[0].name, "command_look");
    assert_eq!(
        tools[0].input_schema,
        json!({
            "type": "object",
            "properties": {
                "n": {"type": "integer", "description": "How many.", "minimum": 1, "maximum": 9, "default": 3},
                "what": {
                    "type": "string", "description": "What.", "enum": ["a", "b"],
                    "pattern": "^(?:a|b)$", "maxLength": 1,
                },
            },
            "required": ["what"],
            "additionalProperties": false,
        })
    );
    assert!(tools[0].annotations.idempotent && !tools[0].annotations.read_only);
}

#[tokio::test]
async fn a_program_that_vanishes_is_reported() {
    let programs = Programs::new();
    let kit = programs.kit("echo", json!({})).await;
    assert!(kit.health().await.is_ok());
    std::fs::remove_file(programs.at("program")).unwrap();
    assert!(kit.health().await.unwrap_err().detail().contains("`run`"));
    let reply = kit.call("run", json!({})).await;
    reply.assert_error().code("command.not_started").status(500);
}

/// The reference page is what people copy from.
#[tokio::test]
async fn the_page_shows_settings_that_work() {
    let page = include_str!("../../../../docs/providers/command.md");
    let (_, rest) = page.split_once("```yaml\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let config: Value = serde_saphyr::from_str(example).expect("it is YAML");
    let kit = Kit::<Command>::new(config["providers"]["command"].clone()).await;
    let names: Vec<_> = kit.tools().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["command_disk_usage", "command_sort_lines"]);
    let sorted = json!({"text": "b 1\na 2\n", "field": 1});
    assert_eq!(kit.call("sort_lines", sorted).await.output()["stdout"], "a 2\nb 1\n");
    let programs = Programs::new();
    std::fs::write(programs.at("file"), "x").unwrap();
    let used = kit.call("disk_usage", json!({"folder": programs.at("")})).await;
    assert!(
        used.output()["lines"]
            .to_string()
            .contains(programs.at("").to_str().unwrap().trim_end_matches('/'))
    );
    kit.call("disk_usage", json!({"folder": "relative"}))
        .await
        .assert_error()
        .names_field("/folder");
}
