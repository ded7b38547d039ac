//! Providers: listed whatever their state, switched on all instances, and faulty ones contained.

use serde_json::{Value, json};

use crate::rig::{Rig, eventually, faulty, start};
use mindflight_testapp::{Launch, TestDb};

fn state<'a>(list: &'a Value, name: &str) -> (&'a str, &'a str) {
    let one = list["items"].as_array().unwrap().iter().find(|one| one["name"] == name);
    let one = one.unwrap_or_else(|| panic!("no {name} in {list}"));
    (one["state"].as_str().unwrap(), one["reason"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_switch_is_seen_by_all_instances_and_outlives_a_restart() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let off = rig.server.call("POST", "/api/providers/echo/disable").send().await.ok();
    assert_eq!(off["state"], "off");
    let _ = rig.server.tool("echo_say", json!({"text": "x"})).await.problem(404, "tool_not_found");
    eventually(async || {
        (second.tool("echo_say", json!({"text": "x"})).await.status == 404).then_some(())
    })
    .await;
    let third = rig.second().await;
    assert_eq!(third.tool("echo_say", json!({"text": "x"})).await.status, 404);
    let on = second.call("POST", "/api/providers/echo/enable").send().await.ok();
    assert_eq!((&on["state"], &on["tools"]), (&json!("on"), &json!(["echo_say"])));
    eventually(async || {
        (rig.server.tool("echo_say", json!({"text": "x"})).await.status == 200).then_some(())
    })
    .await;
    let audit = rig.server.get("/api/audit?action=provider.disable").await.ok();
    assert_eq!(audit["items"][0]["target"], "echo");
    let unknown = rig.server.call("POST", "/api/providers/ehco/enable").send().await;
    assert!(unknown.problem(404, "not_found").contains("echo"));
    let viewer = rig.key("tools:call").await;
    let refused = rig.server.call("POST", "/api/providers/echo/disable").key(&viewer).send().await;
    let _ = refused.problem(403, "forbidden");
}

#[tokio::test]
async fn demo_is_off_in_production_unless_asked_for() {
    let rig = Rig::with(|launch| launch.without("MINDFLIGHT_PROVIDERS__DEMO__ENABLED")).await;
    let list = rig.server.get("/api/providers").await.ok();
    let (state, reason) = state(&list, "demo");
    assert_eq!(state, "off");
    assert!(reason.contains("providers.demo.enabled"), "{reason}");
    let _ = rig.server.get("/providers/demo/hello").await.problem(503, "provider_unavailable");
}

#[tokio::test]
async fn one_type_can_be_mounted_under_several_names() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_PROVIDERS__PARROT__PROVIDER", "echo")
            .env("MINDFLIGHT_PROVIDERS__GHOST__PROVIDER", "ehco")
    })
    .await;
    assert_eq!(
        rig.server.tool("parrot_say", json!({"text": "x"})).await.ok(),
        json!({"text": "x"})
    );
    let list = rig.server.get("/api/providers").await.ok();
    let (ghost, reason) = state(&list, "ghost");
    assert_eq!(ghost, "missing");
    assert!(reason.contains("did you mean `echo`?"), "{reason}");
}

#[tokio::test]
async fn faulty_providers_are_listed_with_their_reason_and_stop_nobody() {
    let db = TestDb::new().await;
    let key = crate::rig::key(&db, "admin").await;
    let launch = Launch::serve(&faulty(), db.url())
        .env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms")
        .env("MINDFLIGHT_CALLS__HEALTH_INTERVAL", "100ms");
    let server = start(launch).await.with_key(&key);
    let list = server.get("/api/providers").await.ok();
    for (name, expected, text) in [
        ("fails", "failed", "the vendor is closed on Saturdays"),
        ("panics", "failed", "crashed while it was built"),
        ("hangs", "failed", "not built within 0.2 s"),
        ("blocks", "failed", "not built within 0.2 s"),
        ("needs_key", "off", "MINDFLIGHT_PROVIDERS__NEEDS_KEY__API_KEY"),
        ("good", "on", ""),
    ] {
        let (state, reason) = state(&list, name);
        assert_eq!(state, expected, "{name}: {reason}");
        assert!(reason.contains(text), "{name}: {reason}");
    }
    assert_eq!(server.tool("good_ok", json!({})).await.status, 200);
    let kept = server.tool("good_kept", json!({})).await.ok();
    assert_eq!(server.tool("good_kept", json!({})).await.ok(), kept);
    let metrics = server.get("/metrics").await.text;
    assert!(metrics.contains("mindflight_tool_cache_total{outcome=\"hit\"} 1"), "{metrics}");
    let lies = server.tool("good_lies", json!({})).await;
    assert!(lies.problem(500, "invalid_result").contains("/n"));
    let leaks = server.tool("good_leaks", json!({})).await;
    let _ = leaks.problem(500, "internal");
    assert!(!leaks.text.contains("hunter2"), "{}", leaks.text);
    let health = eventually(async || {
        let health = server.get("/health").await.body;
        health["checks"]["provider.unwell"].is_object().then_some(health)
    })
    .await;
    assert_eq!(health["checks"]["provider.unwell"]["detail"], "out of paper");
    assert_eq!(health["status"], "degraded");
}

#[tokio::test]
async fn a_required_provider_that_is_not_on_stops_the_start() {
    let db = TestDb::new().await;
    let launch = Launch::serve(&faulty(), db.url())
        .env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms")
        .env("MINDFLIGHT_PROVIDERS__FAILS__REQUIRED", "true");
    let ended = launch.start().await.err().unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(
        ended.output.contains("`fails` is required")
            && ended.output.contains("closed on Saturdays"),
        "{}",
        ended.output
    );
}

#[tokio::test]
async fn two_tools_with_one_name_stop_the_start() {
    let db = TestDb::new().await;
    let launch = Launch::serve(&faulty(), db.url())
        .env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms")
        .env("MINDFLIGHT_PROVIDERS__THIEF__ENABLED", "true");
    let ended = launch.start().await.err().unwrap();
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(
        ended.output.contains("`good_ok`") && ended.output.contains("thief"),
        "{}",
        ended.output
    );
}
