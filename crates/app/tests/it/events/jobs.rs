//! Events and jobs: each becomes the other.

use serde_json::{Value, json};

use super::published;
use super::wire::Sse;
use crate::jobs::{ended, items, made, setting, sleep, text, watchful};
use crate::rig::{Rig, eventually};

/// The value of a counter of the demo provider.
async fn counter(rig: &Rig, key: &str) -> i64 {
    let answer = rig.server.tool("demo_counted", json!({"key": key})).await.ok();
    answer["count"].as_i64().unwrap()
}

/// The jobs of the demo provider's subscription.
async fn pinged(rig: &Rig) -> Vec<Value> {
    items(&rig.server.get("/api/jobs?kind=demo.on.demo.ping").await.ok()).clone()
}

#[tokio::test]
async fn an_event_becomes_one_job_of_each_subscription_and_counts_once() {
    let rig = Rig::with(watchful).await;
    let second = rig.second().await;
    let called = rig.server.tool("demo_ping", json!({"note": "hello"})).await.ok();
    let body: Vec<_> = (0..20).map(|n| json!({"type": "demo.ping", "data": n})).collect();
    for server in [&rig.server, &second] {
        assert_eq!(server.post("/api/events", &json!(body)).await.status, 202);
    }
    published(&rig.server, "demo.pong", json!({})).await;
    eventually(async || (counter(&rig, "demo.ping").await == 41).then_some(())).await;
    let jobs = pinged(&rig).await;
    assert_eq!(jobs.len(), 41);
    let of_tool = jobs.iter().find(|job| job["args"]["id"] == called["event"]).unwrap();
    let job = ended(&rig.server, text(&of_tool["id"])).await;
    assert_eq!(
        (&job["state"], &job["args"]["data"]),
        (&json!("succeeded"), &json!({"note": "hello"}))
    );
    assert_eq!(counter(&rig, "demo.ping").await, 41);
    let provider = rig.server.get("/api/providers/demo").await.ok();
    assert_eq!(provider["subscriptions"], json!(["demo.ping"]));
    assert!(
        provider["jobs"].as_array().unwrap().contains(&json!("demo.on.demo.ping")),
        "{provider}"
    );
}

#[tokio::test]
async fn the_end_of_a_job_is_an_event() {
    let rig = Rig::with(watchful).await;
    let key = rig.key("events:read").await;
    let mut stream = Sse::open(&rig.server, &key, "?type=mindflight.job.*").await;
    let good = made(&rig.server, &sleep(0)).await;
    let bad = made(&rig.server, &json!({"kind": "demo.fail"})).await;
    let mut found = std::collections::HashMap::new();
    while found.len() < 2 {
        let event = stream.event().await;
        let job = text(&event["data"]["job"]).to_owned();
        if [&good, &bad].contains(&&job) {
            assert_eq!((&event["key"], &event["source"]), (&json!(job), &json!("mindflight")));
            assert!(found.insert(job, event).is_none(), "once each");
        }
    }
    assert_eq!(found[&good]["type"], "mindflight.job.succeeded");
    assert_eq!(found[&good]["data"]["kind"], "demo.sleep");
    assert_eq!(found[&bad]["type"], "mindflight.job.failed");
    assert_eq!(found[&bad]["data"]["error"], "demo.failed");
    // What a stream has said holds for whoever asks then.
    assert_eq!(rig.server.get(&format!("/api/jobs/{bad}")).await.ok()["state"], "failed");
}

#[tokio::test]
async fn a_job_that_runs_for_long_and_one_that_is_cancelled_are_events() {
    let rig = Rig::with(|launch| setting(watchful(launch), "LONG_AFTER", "200ms")).await;
    let key = rig.key("events:read").await;
    let query = "?type=mindflight.job.long_running,mindflight.job.cancelled";
    let mut stream = Sse::open(&rig.server, &key, query).await;
    let job = made(&rig.server, &sleep(60_000)).await;
    let long = stream.event().await;
    assert_eq!(long["type"], "mindflight.job.long_running");
    assert_eq!((&long["data"]["job"], &long["data"]["attempt"]), (&json!(job), &json!(1)));
    crate::jobs::acted(&rig.server, &job, "cancel").await;
    let end = stream.event().await;
    assert_eq!(
        (&end["type"], &end["data"]["job"]),
        (&json!("mindflight.job.cancelled"), &json!(job))
    );
}
