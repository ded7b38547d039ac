//! Who may do what with jobs: by scope, with one's own, and without credentials on one's own machine.

use mindflight_testapp::{Answer, Instance, Launch, TestDb};
use serde_json::{Value, json};

use super::{ended, idle, items, made, rig, sleep, text};
use crate::rig::{BINARY, Rig, start};

async fn as_(
    server: &Instance,
    key: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let call = server.call(method, path).key(key);
    match body {
        Some(body) => call.json(body).send().await,
        None => call.send().await,
    }
}

/// Checks that this is a refusal, and that it names the scope.
#[track_caller]
fn wants(answer: &Answer, scope: &str) {
    assert!(answer.problem(403, "forbidden").contains(scope), "{}", answer.text);
}

#[tokio::test]
async fn reading_and_writing_jobs_are_scopes_of_their_own() {
    let rig = rig().await;
    let (reader, writer) = (rig.key("jobs:read").await, rig.key("jobs:write").await);
    let late = json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"});
    let id = made(&rig.server, &late).await;
    let one = format!("/api/jobs/{id}");
    let server = &rig.server;
    for path in [
        "/api/jobs",
        &one,
        &format!("{one}/logs"),
        "/api/queues",
        "/api/queues/demo",
        "/api/schedules",
        "/api/workers",
    ] {
        assert_eq!(as_(server, &reader, "GET", path, None).await.status, 200, "{path}");
        wants(&as_(server, &writer, "GET", path, None).await, "jobs:read");
    }
    wants(&as_(server, &reader, "POST", "/api/jobs", Some(&late)).await, "jobs:write");
    for path in ["cancel", "retry"].map(|action| format!("{one}/{action}")) {
        wants(&as_(server, &reader, "POST", &path, None).await, "jobs:write");
    }
    for path in ["/api/queues/demo/pause", "/api/queues/demo/resume"] {
        wants(&as_(server, &reader, "POST", path, None).await, "jobs:write");
        assert_eq!(as_(server, &writer, "POST", path, None).await.status, 200, "{path}");
    }
    wants(&as_(server, &reader, "DELETE", &one, None).await, "jobs:write");
    let bulk = json!({"action": "cancel", "filter": {"kind": "demo.count"}});
    wants(&as_(server, &reader, "POST", "/api/jobs/bulk", Some(&bulk)).await, "jobs:write");
    assert_eq!(as_(server, &writer, "POST", "/api/jobs/bulk", Some(&bulk)).await.status, 200);
    assert_eq!(as_(server, &writer, "POST", &format!("{one}/cancel"), None).await.status, 200);
    assert_eq!(as_(server, &writer, "DELETE", &one, None).await.status, 204);
}

#[tokio::test]
async fn a_caller_reads_and_cancels_the_jobs_that_it_made_itself() {
    let rig = rig().await;
    let (mine, other) = (rig.key("tools:call").await, rig.key("tools:call").await);
    let server = &rig.server;
    let slow =
        server.call("POST", "/api/tools/demo_sleep").key(&mine).header("prefer", "respond-async");
    let slow = slow.json(&json!({"ms": 25_000})).send().await;
    assert_eq!(slow.status, 202, "{}", slow.text);
    let one = slow.header("location").to_owned();
    assert_eq!(as_(server, &mine, "GET", &one, None).await.status, 200);
    assert_eq!(as_(server, &mine, "GET", &format!("{one}/logs"), None).await.status, 200);
    wants(&as_(server, &other, "GET", &one, None).await, "jobs:read");
    wants(&as_(server, &other, "POST", &format!("{one}/cancel"), None).await, "jobs:write");
    wants(&as_(server, &mine, "GET", "/api/jobs", None).await, "jobs:read");
    wants(&as_(server, &mine, "POST", "/api/jobs", Some(&sleep(0))).await, "jobs:write");
    wants(&as_(server, &mine, "DELETE", &one, None).await, "jobs:write");
    let theirs =
        made(server, &json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"})).await;
    wants(
        &as_(server, &mine, "POST", &format!("/api/jobs/{theirs}/cancel"), None).await,
        "jobs:write",
    );
    assert_eq!(as_(server, &mine, "POST", &format!("{one}/cancel"), None).await.status, 200);
    let id = one.rsplit('/').next().unwrap();
    assert_eq!(ended(server, id).await["state"], "cancelled");
}

#[tokio::test]
async fn a_promoted_call_runs_with_the_rights_of_its_caller_and_no_others() {
    let rig = Rig::with(idle).await;
    let key = rig.key("tools:call:demo_add").await;
    let ask = |tool: &'static str| {
        let call = rig.server.call("POST", &format!("/api/tools/{tool}")).key(&key);
        call.header("prefer", "respond-async").json(&json!({"a": 1, "b": 2})).send()
    };
    assert_eq!(ask("demo_add").await.status, 202);
    wants(&ask("demo_count").await, "tools:call");
    for path in ["/api/jobs", "/api/jobs/018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"] {
        let nobody = rig.server.call("GET", path).key("nobody").send().await;
        let _ = nobody.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn the_developer_at_the_machine_makes_and_runs_jobs_without_a_key() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let server = start(Launch::dev(BINARY, db.url(), folder.path().to_str().unwrap())).await;
    let id = made(&server, &sleep(0)).await;
    assert_eq!(ended(&server, &id).await["state"], "succeeded");
    let list = server.get("/api/jobs").await.ok();
    assert!(items(&list).iter().any(|job| text(&job["id"]) == id), "{list}");
    drop(server);
}
