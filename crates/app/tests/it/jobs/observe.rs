//! What is kept, and what health and metrics say.

use serde_json::json;

use super::{acted, count, counted, ended, enqueue, idle, made, rig, setting, text, watchful};
use crate::rig::{Rig, eventually};

#[tokio::test]
async fn a_queue_without_history_forgets_what_has_succeeded_and_keeps_what_has_failed() {
    let rig = Rig::with(|launch| setting(watchful(launch), "WITHOUT_HISTORY", r#"["demo"]"#)).await;
    let made_one = enqueue(&rig.server, &count("k")).await;
    assert_eq!(made_one.status, 201, "{}", made_one.text);
    let path = format!("/api/jobs/{}", text(&made_one.body["id"]));
    eventually(async || (rig.server.get(&path).await.status == 404).then_some(())).await;
    assert_eq!(counted(&rig.server, "k").await, 1);
    let kept =
        made(&rig.server, &json!({"kind": "demo.count", "args": {"key": "k"}, "queue": "side"}))
            .await;
    assert_eq!(ended(&rig.server, &kept).await["state"], "succeeded");
    let failed = made(&rig.server, &json!({"kind": "demo.fail"})).await;
    assert_eq!(ended(&rig.server, &failed).await["state"], "failed");
    let late =
        made(&rig.server, &json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"})).await;
    assert_eq!(acted(&rig.server, &late, "cancel").await["state"], "cancelled");
    assert_eq!(rig.server.get(&format!("/api/jobs/{late}")).await.status, 404);
    let queues = rig.server.get("/api/queues").await.ok();
    let keeps: Vec<(&str, bool)> = super::items(&queues)
        .iter()
        .map(|queue| (text(&queue["name"]), queue["keeps_history"].as_bool().unwrap()))
        .collect();
    assert_eq!(keeps, [("demo", false), ("side", true)]);
    assert_eq!(rig.db.store().job_views().misplaced().await.unwrap(), []);
}

#[tokio::test]
async fn health_says_that_nobody_runs_jobs() {
    let rig = Rig::with(|launch| {
        idle(watchful(launch)).env("MINDFLIGHT_DATABASE__CHECK_INTERVAL", "50ms")
    })
    .await;
    let health = eventually(async || {
        let health = rig.server.get("/health").await;
        assert_eq!(health.status, 200, "degraded is no reason to restart: {}", health.text);
        Some(health.body).filter(|health| health["checks"]["queue"]["status"] == "degraded")
    })
    .await;
    assert_eq!(health["status"], "degraded");
    assert!(text(&health["checks"]["queue"]["detail"]).contains("no live worker"), "{health}");
    assert_eq!(rig.server.get("/health/readiness").await.status, 200);
    // One that does is enough, wherever it is.
    let worker = rig.second().await;
    eventually(async || {
        let health = rig.server.get("/health").await.ok();
        (health["checks"]["queue"]["status"] == "healthy").then_some(())
    })
    .await;
    drop(worker);
}

#[tokio::test]
async fn metrics_count_attempts_by_kind_and_outcome() {
    let rig = rig().await;
    for body in [
        count("k"),
        json!({"kind": "demo.fail"}),
        json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 1}}),
    ] {
        let id = made(&rig.server, &body).await;
        ended(&rig.server, &id).await;
    }
    eventually(async || {
        let metrics = rig.server.get("/metrics").await.text;
        let all = [
            ("demo.count", "succeeded"),
            ("demo.fail", "failed"),
            ("demo.flaky", "retried"),
            ("demo.flaky", "succeeded"),
        ];
        let counts = |(kind, outcome): (&str, &str)| {
            let labels = format!("{{kind=\"{kind}\",outcome=\"{outcome}\"}} 1\n");
            metrics.contains(&format!("mindflight_job_attempts_total{labels}"))
        };
        all.into_iter().all(counts).then_some(())
    })
    .await;
}
