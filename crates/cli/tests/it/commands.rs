//! What the remaining commands ask and say.

use mindflight_api::codes;
use mindflight_cli::Exit;
use serde_json::json;

use crate::canned::{Canned, ours, problem};
use crate::console::{run, run_at};

const TOOLS: &str = r#"{"items":[{"name":"demo_add","provider":"demo","title":"Add","description":"Adds two numbers. Exactly.",
    "input_schema":{"properties":{"a":{"type":"integer","description":"The first."}}},"output_schema":{},
    "annotations":{"read_only":true,"destructive":false,"idempotent":true,"transactional":false,"timeout_ms":1000}}],"next":null}"#;

fn provider(state: &str) -> String {
    let provider = json!({
        "name": "demo", "provider": "demo", "state": state, "reason": "no token", "tools": [], "routes": [],
        "jobs": [], "subscriptions": [], "health": null,
    });
    ours("200 OK", &provider.to_string())
}

#[test]
fn tools_are_listed_with_their_first_sentence() {
    let server = Canned::start(vec![ours("200 OK", TOOLS)]);
    let ran = run_at(&server.url, "tools list --provider demo -q add");
    let expected = "NAME      PROVIDER  DESCRIPTION\ndemo_add  demo      Adds two numbers.\n";
    assert_eq!((ran.exit, ran.out.as_str()), (Exit::Done, expected));
    assert!(server.requests()[0].starts_with("GET /api/tools?provider=demo&q=add "));
}

#[test]
fn tools_in_another_systems_shape_are_printed_as_they_come() {
    let server = Canned::start(vec![ours("200 OK", r#"{"tools":[{"type":"function"}]}"#)]);
    let ran = run_at(&server.url, "tool list --format openai");
    assert_eq!(ran.json(), json!({"tools": [{"type": "function"}]}));
    assert!(server.requests()[0].starts_with("GET /api/tools?format=openai&detail=full "));
}

#[test]
fn a_tool_is_shown_with_its_arguments() {
    let tool = serde_json::from_str::<serde_json::Value>(TOOLS).unwrap()["items"][0].to_string();
    let server = Canned::start(vec![ours("200 OK", &tool), ours("200 OK", &tool)]);
    let ran = run_at(&server.url, "tool show demo_add");
    assert!(ran.out.contains("arguments\n  a  integer  The first.\n"), "{ran:?}");
    let fields = run_at(&server.url, "tool show demo_add -o json --fields annotations.timeout_ms");
    assert_eq!(fields.json(), json!({"annotations": {"timeout_ms": 1000}}));
}

#[test]
fn a_provider_that_is_enabled_and_does_not_serve_is_a_failure() {
    let answers = ["on", "failed", "off", "off", "on"].map(provider).to_vec();
    let server = Canned::start(answers);
    assert_eq!(run_at(&server.url, "provider enable demo").out, "demo is on\n");
    for _ in ["failed", "off"] {
        let ran = run_at(&server.url, "provider enable demo");
        assert_eq!(ran.exit, Exit::No);
        assert!(ran.err.contains("does not serve: no token"), "{ran:?}");
    }
    assert_eq!(run_at(&server.url, "provider disable demo -o json").json()["state"], "off");
    assert_eq!(run_at(&server.url, "provider disable demo").exit, Exit::Conflict);
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /api/providers/demo/enable "));
    assert!(requests[3].starts_with("POST /api/providers/demo/disable "));
}

#[test]
fn a_key_is_revoked_by_its_id() {
    let id = "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11";
    let gone = problem(&codes::NOT_FOUND, "no key");
    let server = Canned::start(vec![ours("200 OK", "{}"), gone]);
    let ran = run_at(&server.url, &format!("key revoke {id}"));
    assert_eq!((ran.exit, ran.out), (Exit::Done, format!("revoked {id}\n")));
    assert_eq!(run_at(&server.url, &format!("key revoke {id}")).exit, Exit::NotFound);
    assert!(server.requests()[0].starts_with(&format!("DELETE /api/keys/{id} ")));
}

#[test]
fn users_are_listed() {
    let users = r#"{"items":[{"id":"018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11","username":"ana","role":"admin","created_at":"2026-01-02T03:04:05Z"}],"next":null}"#;
    let server = Canned::start(vec![ours("200 OK", users)]);
    let ran = run_at(&server.url, "user list --fields username,role");
    assert_eq!(ran.out, "USERNAME  ROLE\nana       admin\n");
}

#[test]
fn every_code_is_explained_offline() {
    for code in codes::ALL.iter().chain(mindflight_cli::codes::ALL) {
        let ran = run(&format!("explain {}", code.name));
        assert_eq!(ran.exit, Exit::Done);
        assert!(ran.out.contains(code.fix), "{ran:?}");
    }
    assert_eq!(run("explain busy -o json").json()["status"], 503);
    assert_eq!(
        run("explain -o json").json()["items"].as_array().unwrap().len(),
        codes::ALL.len() + mindflight_cli::codes::ALL.len()
    );
    let near = run("explain invalid_argument");
    assert_eq!(near.exit, Exit::NotFound);
    assert!(near.err.contains("near it: invalid_arguments"), "{near:?}");
    assert_eq!(run("explain zzz").exit, Exit::NotFound);
}

#[test]
fn rules_are_explained_beside_codes() {
    let ran = run("explain p201");
    assert_eq!(ran.exit, Exit::Done, "{ran:?}");
    assert_eq!(
        ran.out,
        "P201: A list of types\n  error of `mindflight provider check`\n  Why.\n  Use one type.\n"
    );
    assert_eq!(run("explain -o json").json()["rules"][1]["code"], "P202");
    assert!(run("explain").err.contains("P201 to P202, as `mindflight explain P201`"));
    assert!(run("explain P203").err.contains("near it: P20"));
}

#[test]
fn the_version_is_for_people_and_programs() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run("version").out, format!("mindflight {version}\n"));
    assert_eq!(run("--version").out, format!("mindflight {version}\n"));
    let expected = json!({"name": "mindflight", "version": version, "api_version": "1"});
    assert_eq!(run("version -o json").json(), expected);
}

#[test]
fn exit_codes_are_data() {
    let codes = run("help exit-codes -o json").json();
    let numbers: Vec<u64> = codes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["code"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
}
