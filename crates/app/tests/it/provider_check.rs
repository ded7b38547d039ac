//! `provider check` and `explain`, on the providers of the real binary and on a third party's.

use mindflight_testapp::Launch;
use serde_json::{Value, json};

use crate::rig::{command, faulty};

/// The exit code, the document on stdout, and stderr.
async fn run(launch: Launch) -> (Option<i32>, Value, String) {
    let ended = launch.output().await.unwrap();
    let out = serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null);
    (ended.status.code(), out, String::from_utf8_lossy(&ended.stderr).into_owned())
}

#[tokio::test]
async fn the_linked_providers_break_no_rule_and_need_no_database() {
    let (code, found, _) = run(command(&["provider", "check", "-o", "json"])).await;
    assert_eq!((code, &found["items"]), (Some(0), &json!([])));
    let (code, _, said) = run(command(&["provider", "check", "echo", "demo", "--strict"])).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 checked: 0 errors, 0 warnings"), "{said}");
}

#[tokio::test]
async fn what_is_found_ends_with_9_and_what_cannot_be_checked_is_named() {
    let check = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["provider", "check"].iter().chain(arguments).copied().collect();
        let launch = Launch::new(&faulty(), &arguments);
        launch.env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms")
    };
    let (code, found, _) = run(check(&["-o", "json"])).await;
    let unchecked = found["unchecked"].as_array().unwrap();
    for (name, reason) in [
        ("blocks", "not built within 0.2 s"),
        ("fails", "closed on Saturdays"),
        ("hangs", "not built within 0.2 s"),
        ("needs_key", "`api_key` is missing"),
        ("panics", "crashed while it was built"),
    ] {
        let one = unchecked.iter().find(|one| one["provider"] == name);
        let one = one.unwrap_or_else(|| panic!("no {name} in {found}"));
        assert!(one["reason"].as_str().unwrap().contains(reason), "{one}");
    }
    let clean = found["items"].as_array().unwrap().iter().all(|item| item["level"] == "warning");
    assert_eq!(code, Some(if clean { 0 } else { 9 }), "{found}");
    // It posts to everyone's ears; with a warning alone, only --strict minds.
    let careless = "MINDFLIGHT_PROVIDERS__NEEDS_KEY__API_KEY";
    let (code, found, _) = run(check(&["needs_key", "-o", "json"]).env(careless, "k")).await;
    assert_eq!(code, Some(0), "{found}");
    let rules: Vec<&str> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|item| item["rule"].as_str())
        .collect();
    assert_eq!(rules, ["P303"], "{found}");
    let (code, _, said) = run(check(&["needs_key", "--strict"]).env(careless, "k")).await;
    assert_eq!(code, Some(9), "{said}");
    assert!(said.contains("mindflight explain P303"), "{said}");
    let (code, ..) = run(check(&["needs_key"])).await;
    assert_eq!(code, Some(1), "asked for by name, and not checked");
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_near_ones() {
    let (code, found, _) = run(command(&["provider", "check", "ehco", "-o", "json"])).await;
    assert_eq!(code, Some(3), "{found}");
    assert!(found["error"]["fix"].as_str().unwrap().contains("echo"), "{found}");
}

#[tokio::test]
async fn a_mounted_name_is_checked_with_its_settings() {
    let check = command(&["provider", "check", "parrot", "-o", "json"])
        .env("MINDFLIGHT_PROVIDERS__PARROT__PROVIDER", "echo");
    let (code, found, _) = run(check).await;
    assert_eq!((code, &found["items"]), (Some(0), &json!([])));
}

#[tokio::test]
async fn every_rule_is_explained_and_has_its_section_in_the_manual() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/providers/check-rules.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, all, _) = run(command(&["explain", "-o", "json"])).await;
    let rules = all["rules"].as_array().unwrap();
    assert_eq!(rules.len(), mindflight_core::lint::RULES.len());
    for rule in rules {
        let text = |member: &str| rule[member].as_str().unwrap();
        let code = text("code");
        let section = page.split("\n## ").find(|section| section.starts_with(&format!("{code}: ")));
        let section = section.unwrap_or_else(|| panic!("{code} has no section"));
        for member in ["title", "level", "why", "fix"] {
            assert!(section.contains(text(member)), "{code}: no `{}` in {section}", text(member));
        }
    }
    let sections = page.matches("\n## P").count();
    assert_eq!(sections, rules.len(), "a section of a rule that is gone");
    let (code, one, _) = run(command(&["explain", "p201", "-o", "json"])).await;
    assert_eq!((code, &one["code"]), (Some(0), &json!("P201")));
    let near = run(command(&["explain", "P999"])).await;
    assert_eq!(near.0, Some(3), "{}", near.2);
}
