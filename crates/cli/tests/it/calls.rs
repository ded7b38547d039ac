//! `tool call`: what is sent, and what the answers mean.

use std::time::Duration;

use mindflight_api::{Code, codes};
use mindflight_cli::Exit;
use serde_json::json;

use crate::canned::{Canned, ours, problem};
use crate::console::{Console, run_at};
use crate::jobs::{ID, job};

const TOOL: &str = r#"{"name":"demo_add","provider":"demo","title":"Add","description":"Adds. Exactly.",
    "input_schema":{"properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]},
    "output_schema":{"properties":{"sum":{"type":"integer"}}},
    "annotations":{"read_only":true,"destructive":false,"idempotent":true,"transactional":false,"timeout_ms":1000}}"#;

pub(crate) fn body(request: &str) -> serde_json::Value {
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("a JSON body")
}

#[test]
fn words_are_typed_by_the_tools_schema() {
    let server = Canned::start(vec![ours("200 OK", TOOL), ours("200 OK", r#"{"sum":3}"#)]);
    let ran = run_at(&server.url, "tool call demo_add a=1 b=2");
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "{\n  \"sum\": 3\n}\n"));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /api/tools/demo_add "));
    assert!(requests[1].starts_with("POST /api/tools/demo_add "));
    assert_eq!(body(&requests[1]), json!({"a": 1, "b": "2"}));
}

#[test]
fn a_key_that_may_only_call_still_calls() {
    let server = Canned::start(vec![problem(&codes::FORBIDDEN, "needs more"), ours("200 OK", "3")]);
    let ran = run_at(&server.url, "tool call demo_add a=1 b=x -o json");
    assert_eq!((ran.exit, ran.json()), (Exit::Done, json!(3)));
    assert_eq!(body(&server.requests()[1]), json!({"a": 1, "b": "x"}));
}

#[test]
fn json_comes_from_the_flag_a_file_or_a_pipe_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("args.json");
    std::fs::write(&file, r#"{"a": "file"}"#).unwrap();
    let console = Console { input: r#"{"a": "pipe"}"#.to_owned(), ..Console::default() };
    for (json, expected) in [
        (r#"{"a":1,"b":[null]}"#.to_owned(), json!({"a": 1, "b": [null]})),
        (format!("@{}", file.display()), json!({"a": "file"})),
        ("-".to_owned(), json!({"a": "pipe"})),
    ] {
        let server = Canned::start(vec![ours("200 OK", "\"text\"")]);
        let ran = console.run(&format!("tool call demo_add --url {} --json {json}", server.url));
        assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, "text\n"), "{ran:?}");
        assert_eq!(body(&server.requests()[0]), expected);
    }
}

#[test]
fn a_call_without_arguments_sends_an_empty_object() {
    let server = Canned::start(vec![ours("200 OK", "null")]);
    assert_eq!(run_at(&server.url, "tool call demo_ping -o json").out, "null\n");
    assert_eq!(body(&server.requests()[0]), json!({}));
}

#[test]
fn an_unknown_tool_ends_with_3_and_the_servers_near_names() {
    let detail = "no tool `exmaple`; did you mean `example`?";
    for line in ["tool call exmaple a=1", "tool call exmaple", "tool show exmaple"] {
        let server = Canned::start(vec![problem(&codes::TOOL_NOT_FOUND, detail)]);
        let ran = run_at(&server.url, line);
        assert_eq!(ran.exit, Exit::NotFound, "{line}");
        assert!(ran.err.starts_with(&format!("error: {detail} (tool_not_found)\n")), "{ran:?}");
        assert_eq!(ran.out, "");
    }
}

#[test]
fn every_refusal_has_its_exit_code() {
    let own = Code { name: "city_gone", ..codes::NOT_FOUND };
    for (code, exit) in [
        (&codes::INVALID_ARGUMENTS, Exit::No),
        (&codes::PROVIDER_ERROR, Exit::No),
        (&codes::UPSTREAM, Exit::No),
        (&codes::RATE_LIMITED, Exit::No),
        (&codes::INVALID_QUERY, Exit::Usage),
        (&codes::NOT_FOUND, Exit::No),
        (&own, Exit::No),
        (&codes::UNAUTHENTICATED, Exit::NotAllowed),
        (&codes::FORBIDDEN, Exit::NotAllowed),
        (&codes::CONFLICT, Exit::Conflict),
        (&codes::PROVIDER_UNAVAILABLE, Exit::Conflict),
        (&codes::TOOL_UNAVAILABLE, Exit::Conflict),
        (&codes::DATABASE_UNAVAILABLE, Exit::Unreachable),
        (&codes::SHUTTING_DOWN, Exit::Unreachable),
        (&codes::TIMEOUT, Exit::TimedOut),
    ] {
        let server = Canned::start(vec![problem(code, "no")]);
        let ran = run_at(&server.url, "tool call demo_add -o json");
        assert_eq!(ran.exit, exit, "{}", code.name);
        assert_eq!(ran.json()["error"]["code"], code.name);
    }
}

#[test]
fn wrong_arguments_are_shown_field_by_field() {
    let mut refused: serde_json::Value = serde_json::from_str(
        problem(&codes::INVALID_ARGUMENTS, "1 field is wrong").split("\r\n\r\n").nth(1).unwrap(),
    )
    .unwrap();
    refused["errors"] =
        json!([{"pointer": "/units", "detail": "not allowed", "allowed": ["metric", 1]}]);
    refused["request_id"] = json!("018f");
    let headers = "Content-Type: application/problem+json\r\n";
    let server =
        Canned::start(vec![crate::canned::answer("422 No", headers, &refused.to_string())]);
    let ran = run_at(&server.url, "tool call demo_add");
    let expected = "error: 1 field is wrong (invalid_arguments)\n  /units: not allowed; allowed: \"metric\", 1\n";
    assert!(ran.err.starts_with(expected), "{ran:?}");
    assert!(ran.err.ends_with("  request: 018f\n"), "{ran:?}");
}

#[test]
fn a_servers_text_cannot_steer_the_terminal() {
    let server = Canned::start(vec![problem(&codes::CONFLICT, "a\u{1b}]0;title\u{7}b\u{9b}c")]);
    let ran = run_at(&server.url, "tool call demo_add");
    assert!(!ran.err.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{ran:?}");
}

#[test]
fn a_call_that_takes_too_long_ends_with_7() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ran = run_at(&url, "tool call demo_add --timeout 1s -o json");
    assert_eq!(ran.exit, Exit::TimedOut);
    assert_eq!(ran.json()["error"]["code"], "timed_out");
    assert!(
        ran.json()["error"]["detail"]
            .as_str()
            .unwrap()
            .contains(&format!("{:?}", Duration::from_secs(1)))
    );
}

#[test]
fn a_call_becomes_a_job_when_asked_and_a_result_is_taken_too() {
    let accepted = json!({"job": job("queued")}).to_string();
    for (line, out) in [
        ("", format!("{ID}\n")),
        (" -o json --fields state", "{\n  \"state\": \"queued\"\n}\n".to_owned()),
    ] {
        let server = Canned::start(vec![ours("202 Accepted", &accepted)]);
        let ran = run_at(&server.url, &format!("tool call demo_add --async{line}"));
        assert_eq!((ran.exit, ran.out), (Exit::Done, out));
        let request = server.requests().remove(0);
        assert!(request.contains("prefer: respond-async\r\n"), "{request}");
    }
    let server = Canned::start(vec![ours("200 OK", "3")]);
    assert_eq!(run_at(&server.url, "tool call demo_add --async").out, "3\n");
    let server = Canned::start(vec![problem(&codes::TOOL_NOT_FOUND, "no")]);
    assert_eq!(run_at(&server.url, "tool call demo_ad --async").exit, Exit::NotFound);
}
