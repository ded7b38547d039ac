//! The five health routes, metrics, and what they say when things are well.

use crate::rig::{Rig, eventually};

#[tokio::test]
async fn all_five_routes_answer_without_credentials() {
    let rig = Rig::new().await;
    for path in ["/health/liveness", "/health/readiness", "/healthz", "/health", "/health/health"] {
        let answer = rig.server.call("GET", path).key("nobody").send().await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert_eq!(rig.server.call("HEAD", path).send().await.status, 200, "{path}");
    }
    let health = rig.server.get("/health").await.ok();
    assert_eq!(health["status"], "healthy");
    assert!(health["timestamp"].as_i64().unwrap() > 1_700_000_000_000);
    assert!(health["checks"]["database"]["latency"].is_number());
    for check in ["storage", "queue"] {
        assert_eq!(health["checks"][check]["status"], "healthy");
    }
}

#[tokio::test]
async fn metrics_count_calls_and_can_want_a_token() {
    let rig = Rig::new().await;
    rig.server.tool("demo_add", serde_json::json!({"a": 1, "b": 1})).await;
    rig.server.tool("demo_add", serde_json::json!({"a": 1})).await;
    let metrics = rig.server.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "mindflight_tool_calls_total{tool=\"demo_add\",outcome=\"ok\"} 1",
        "mindflight_tool_calls_total{tool=\"demo_add\",outcome=\"invalid_arguments\"} 1",
    ] {
        assert!(metrics.text.contains(line), "{}", metrics.text);
    }
    assert!(metrics.text.contains("route=\"/api/tools/{name}\""));
    let closed =
        Rig::with(|launch| launch.env("MINDFLIGHT_METRICS__TOKEN", "scrape-me-please-0123456789"))
            .await;
    assert_eq!(closed.server.get("/metrics").await.status, 401);
    let open = closed.server.call("GET", "/metrics").key("nobody").send().await;
    assert_eq!(open.status, 401);
}

#[tokio::test]
async fn a_server_without_its_database_says_so_and_answers_what_needs_none() {
    let db = mindflight_testapp::TestDb::new().await;
    let key = crate::rig::key(&db, "admin").await;
    let launch = mindflight_testapp::Launch::serve(crate::rig::BINARY, db.url());
    let server =
        crate::rig::start(launch.env("MINDFLIGHT_DATABASE__CHECK_INTERVAL", "100ms")).await;
    let server = server.with_key(&key);
    server.tool("demo_add", serde_json::json!({"a": 1, "b": 1})).await;
    drop(db);
    let health = eventually(async || {
        let health = server.get("/health").await;
        (health.status == 503).then_some(health.body)
    })
    .await;
    assert_eq!(
        (health["status"].as_str(), health["checks"]["database"]["status"].as_str()),
        (Some("unhealthy"), Some("unhealthy"))
    );
    assert_eq!(server.get("/health/liveness").await.status, 200);
    assert_eq!(server.get("/health/readiness").await.status, 503);
}
