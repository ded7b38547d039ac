//! Arguments arrive as they were sent, each as one, or are refused.

use mindflight_testkit::Kit;
use provider_command::Command;
use serde_json::{Value, json};

use crate::programs::Programs;

/// Texts that a shell would make something of.
const TEXTS: &[&str] = &[
    "plain",
    "",
    " ",
    "two words",
    "; rm -rf /",
    "&& echo pwned",
    "|| echo pwned",
    "| cat /etc/passwd",
    "> /tmp/pwned",
    "< /etc/passwd",
    "$(echo pwned)",
    "`echo pwned`",
    "${HOME}",
    "$HOME",
    "$0 $1 $@",
    "*",
    "/etc/*",
    "~",
    "?",
    "[a-z]",
    "{a,b}",
    "{text}",
    "{{text}}",
    "{other}",
    "a\nb",
    "a\r\nb",
    "a\tb",
    "\n",
    "'",
    "\"",
    "'; echo pwned; '",
    "\"; echo pwned; \"",
    "\\",
    "\\n",
    "\\0",
    "%s%n",
    "!!",
    "#comment",
    "a=b",
    "--not-first --is-fine",
];

/// Writes each argument with its length, so that nothing can be mistaken.
const SHOW: &str = r#"for one in "$@"; do printf '%s:%s\n' "${#one}" "$one"; done; printf end"#;

fn shown(arguments: &[&str]) -> String {
    let lines = arguments.iter().map(|text| format!("{}:{text}\n", text.len()));
    lines.collect::<String>() + "end"
}

async fn kit(programs: &Programs, args: Value, parameters: Value) -> Kit<Command> {
    programs.kit(SHOW, json!({"args": args, "parameters": parameters})).await
}

#[tokio::test]
async fn every_text_arrives_as_one_argument_unchanged() {
    let programs = Programs::new();
    let parameters = json!({"text": {"description": "Anything."}});
    let args = json!(["before", "{text}", "--of={text}", "<{text}{text}>", "--", "{text}"]);
    let kit = kit(&programs, args, parameters).await;
    for text in TEXTS.iter().filter(|text| !text.starts_with('-')) {
        let reply = kit.call("run", json!({"text": text})).await;
        let (of, twice) = (format!("--of={text}"), format!("<{text}{text}>"));
        let expected = shown(&["before", text, &of, &twice, "--", text]);
        assert_eq!(reply.output()["stdout"], expected, "{text:?}");
    }
}

#[tokio::test]
async fn a_text_that_would_be_an_option_is_refused_where_it_would_be_one() {
    let programs = Programs::new();
    let text = |more: Value| {
        let mut parameter = json!({"description": "Anything."});
        parameter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"text": parameter})
    };
    let plain = || text(json!({}));
    let cases = [
        (json!(["{text}"]), plain(), false),
        (json!(["{text}.txt"]), plain(), false),
        (json!([["{text}"]]), plain(), false),
        (json!(["{text}", "--"]), plain(), false),
        (json!(["--name={text}"]), plain(), true),
        (json!(["./{text}"]), plain(), true),
        (json!(["--", "{text}"]), plain(), true),
        (json!([["--", "{text}"]]), plain(), true),
        (json!(["{text}"]), text(json!({"allow_dash": true})), true),
        (json!(["{text}"]), text(json!({"enum": ["-rf", "--", "-", "--of=x", "-\n"]})), true),
    ];
    for (args, parameters, is_allowed) in cases {
        let kit = kit(&programs, args.clone(), parameters).await;
        for value in ["-rf", "--", "-", "--of=x", "-\n"] {
            let reply = kit.call("run", json!({"text": value})).await;
            assert_eq!(reply.error().is_none(), is_allowed, "{args} {value:?}: {reply:?}");
            if !is_allowed {
                reply.assert_error().status(422).names_field("/text").has_fix();
            }
        }
    }
}

#[tokio::test]
async fn an_empty_value_does_not_hide_where_a_dash_comes_from() {
    let programs = Programs::new();
    let parameters = json!({"a": {"description": "First."}, "b": {"description": "Second."}});
    let kit = kit(&programs, json!(["{a}{b}"]), parameters).await;
    let reply = kit.call("run", json!({"a": "", "b": "-rf"})).await;
    reply.assert_error().status(422).names_field("/b");
}

#[tokio::test]
async fn a_nul_is_refused_by_name() {
    let programs = Programs::new();
    let kit = kit(&programs, json!(["{text}"]), json!({"text": {"description": "Any."}})).await;
    for text in ["\0", "a\0b"] {
        let reply = kit.call("run", json!({"text": text})).await;
        reply.assert_error().status(422).names_field("/text");
    }
}

#[tokio::test]
async fn what_is_not_sent_is_left_out_with_its_list() {
    let programs = Programs::new();
    let args = json!([
        "list",
        ["--limit", "{limit}"],
        ["{all?}", "--all"],
        ["--of={a}", "{b}"],
        "--sort={sort}"
    ]);
    let parameters = json!({
        "limit": {"type": "integer", "description": "Most.", "required": false},
        "all": {"type": "boolean", "description": "All.", "required": false},
        "a": {"description": "A.", "required": false},
        "b": {"description": "B.", "required": false},
        "sort": {"description": "Order.", "default": "name", "enum": ["name", "time"]},
    });
    let kit = kit(&programs, args, parameters).await;
    let cases = [
        (json!({}), vec!["list", "--sort=name"]),
        (json!({"limit": 5}), vec!["list", "--limit", "5", "--sort=name"]),
        (json!({"limit": 5.0}), vec!["list", "--limit", "5", "--sort=name"]),
        (json!({"limit": -5}), vec!["list", "--limit", "-5", "--sort=name"]),
        (json!({"all": false}), vec!["list", "--sort=name"]),
        (json!({"all": true}), vec!["list", "--all", "--sort=name"]),
        (json!({"a": "x"}), vec!["list", "--sort=name"]),
        (json!({"a": "x", "b": "y", "sort": "time"}), vec!["list", "--of=x", "y", "--sort=time"]),
    ];
    for (arguments, expected) in cases {
        let reply = kit.call("run", arguments.clone()).await;
        assert_eq!(reply.output()["stdout"], shown(&expected), "{arguments}");
    }
}

#[tokio::test]
async fn the_whole_value_has_to_fit_its_rules() {
    let programs = Programs::new();
    let parameters = json!({
        "name": {"description": "A name.", "pattern": "[a-z]+|[0-9]", "max_length": 5, "required": false},
        "n": {"type": "number", "description": "A number.", "min": 1, "max": 2.5, "required": false},
    });
    let kit = kit(&programs, json!([["{name}"], ["{n}"]]), parameters).await;
    for name in ["abc", "7"] {
        assert_eq!(kit.call("run", json!({"name": name})).await.output()["exit_code"], 0);
    }
    for name in ["", "abc;", "abc\n", "\nabc", "77", "7a", "A", "abcdef"] {
        kit.call("run", json!({"name": name}))
            .await
            .assert_error()
            .status(422)
            .names_field("/name");
    }
    for n in [0.9, 2.6] {
        kit.call("run", json!({"n": n})).await.assert_error().status(422).names_field("/n");
    }
    assert_eq!(kit.call("run", json!({"n": 2.5})).await.output()["stdout"], shown(&["2.5"]));
}

#[tokio::test]
async fn what_the_program_reads_is_what_was_sent() {
    let programs = Programs::new();
    let parameters = json!({"text": {"description": "Anything.", "required": false}});
    let more = json!({"stdin": "<{text}>", "parameters": parameters});
    let kit = programs.kit("cat", more).await;
    for text in TEXTS {
        let reply = kit.call("run", json!({"text": text})).await;
        assert_eq!(reply.output()["stdout"], format!("<{text}>"), "{text:?}");
    }
    // Without it there is nothing to read, and not a terminal or the server's own input.
    assert_eq!(kit.call("run", json!({})).await.output()["stdout"], "");
    // More than a pipe holds, to a program that writes while it reads.
    let long = "x".repeat(200_000);
    let reply = kit.call("run", json!({"text": long})).await;
    assert_eq!(reply.output()["stdout"].as_str().unwrap().len(), 200_002);
}

#[tokio::test]
async fn a_program_need_not_read_what_it_is_sent() {
    let programs = Programs::new();
    let more = json!({"stdin": "{text}", "parameters": {"text": {"description": "Anything."}}});
    let kit = programs.kit("exec 0<&-; echo done", more).await;
    let reply = kit.call("run", json!({"text": "x".repeat(200_000)})).await;
    assert_eq!(reply.output()["stdout"], "done\n");
}
