//! What is done to jobs by hand: cancel, retry, delete, one or many.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    act, acted, ended, ends, enqueue, idle, job, made, made_all, post, reason, rig, running, sleep,
    text,
};
use crate::rig::{BINARY, Rig, start};
use mindflight_testapp::Launch;

#[tokio::test]
async fn a_job_that_has_ended_can_be_forgotten_and_one_that_runs_cannot() {
    let rig = rig().await;
    let id = made(&rig.server, &sleep(60_000)).await;
    running(&rig.server, &id).await;
    let path = format!("/api/jobs/{id}");
    let refused = rig.server.call("DELETE", &path).send().await;
    assert!(refused.problem(409, "conflict").contains("is running: it cannot be deleted"));
    assert_eq!(refused.body["fix"], "Cancel it first.");
    acted(&rig.server, &id, "cancel").await;
    ended(&rig.server, &id).await;
    let deleted = rig.server.call("DELETE", &path).send().await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    for answer in [
        rig.server.get(&path).await,
        rig.server.get(&format!("{path}/logs")).await,
        rig.server.call("DELETE", &path).send().await,
        act(&rig.server, &id, "cancel").await,
        act(&rig.server, &id, "retry").await,
    ] {
        assert!(answer.problem(404, "not_found").contains(&id));
    }
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_and_one_that_has_ended_is_not() {
    let rig = rig().await;
    let late =
        made(&rig.server, &json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"})).await;
    let done = made(&rig.server, &sleep(0)).await;
    ended(&rig.server, &done).await;
    post(&rig.server, "/api/queues/demo/pause").await;
    let queued = made(&rig.server, &sleep(0)).await;
    for id in [late, queued] {
        let cancelled = acted(&rig.server, &id, "cancel").await;
        assert_eq!((&cancelled["state"], &cancelled["attempt"]), (&json!("cancelled"), &json!(0)));
        assert_eq!(reason(&cancelled), "cancelled by test");
        assert_eq!(cancelled["actions"], json!(["retry", "delete"]));
        let again = act(&rig.server, &id, "cancel").await;
        assert!(again.problem(409, "conflict").contains("is cancelled: it cannot be cancelled"));
    }
    let refused = act(&rig.server, &done, "cancel").await;
    assert!(refused.problem(409, "conflict").contains("is succeeded: it cannot be cancelled"));
    let audit = rig.server.get("/api/audit?action=job.cancel").await.ok();
    assert_eq!(super::items(&audit).len(), 2, "{audit}");
}

/// T22. With the intervals that an operator gets who sets none.
#[tokio::test]
async fn a_job_is_cancelled_from_another_instance_within_five_seconds() {
    let rig = Rig::new().await;
    let key = rig.key("admin").await;
    let other = start(idle(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let id = made(&rig.server, &sleep(600_000)).await;
    running(&rig.server, &id).await;
    let asked = acted(&other, &id, "cancel").await;
    assert!(asked["state"] == "cancelled" || reason(&asked).contains("asked to stop"), "{asked}");
    let cancelled = tokio::time::timeout(Duration::from_secs(5), ended(&other, &id)).await.unwrap();
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    assert_eq!(ends(&cancelled), ["cancelled"]);
}

/// The same filter with another action.
async fn bulk(rig: &Rig, action: &str, filter: Value) -> Value {
    rig.server.post("/api/jobs/bulk", &json!({"action": action, "filter": filter})).await.ok()
}

fn done(done: u64, refused: u64) -> Value {
    json!({"done": done, "refused": refused, "more": false})
}

#[tokio::test]
async fn many_jobs_are_cancelled_retried_and_deleted_by_a_filter() {
    let rig = rig().await;
    let late = json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h", "tags": ["batch"]});
    let ids = made_all(&rig.server, &[late.clone(), late.clone(), late]).await;
    let other =
        made(&rig.server, &json!({"kind": "demo.count", "args": {"key": "k"}, "delay": "1h"}))
            .await;
    assert_eq!(bulk(&rig, "cancel", json!({"tag": "batch"})).await, done(3, 0));
    assert_eq!(bulk(&rig, "cancel", json!({"ids": ids})).await, done(0, 3));
    assert_eq!(job(&rig.server, &other).await["state"], "scheduled");
    let cancelled = json!({"state": ["cancelled"], "kind": "demo.sleep"});
    assert_eq!(bulk(&rig, "retry", cancelled).await, done(3, 0));
    for id in &ids {
        assert_eq!(ended(&rig.server, id).await["state"], "succeeded");
    }
    assert_eq!(bulk(&rig, "delete", json!({"tag": "batch"})).await, done(3, 0));
    let list = rig.server.get("/api/jobs?kind=demo.sleep").await.ok();
    assert_eq!(super::items(&list).len(), 0, "{list}");
    // Those that were done together have one row in the record of who did what.
    let audit = rig.server.get("/api/audit?action=job.delete").await.ok();
    let row = &super::items(&audit)[0];
    assert_eq!((text(&row["target"]), &row["detail"]["done"]), ("bulk", &json!(3)), "{audit}");
    let jobs: Vec<&str> = row["detail"]["jobs"].as_array().unwrap().iter().map(text).collect();
    assert!(ids.iter().all(|id| jobs.contains(&id.as_str())), "{audit}");
}

#[tokio::test]
async fn running_jobs_are_cancelled_by_a_filter_too() {
    let rig = rig().await;
    let ids = made_all(&rig.server, &[sleep(60_000), sleep(60_000)]).await;
    for id in &ids {
        running(&rig.server, id).await;
    }
    assert_eq!(
        bulk(&rig, "cancel", json!({"state": ["running"], "kind": "demo.sleep"})).await,
        done(2, 0)
    );
    for id in &ids {
        assert_eq!(ended(&rig.server, id).await["state"], "cancelled");
    }
}

#[tokio::test]
async fn more_than_a_thousand_jobs_take_several_requests() {
    let rig = rig().await;
    let late = json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": "1h"});
    for size in [1000, 1] {
        assert_eq!(enqueue(&rig.server, &json!(vec![late.clone(); size])).await.status, 201);
    }
    let first = bulk(&rig, "cancel", json!({"kind": "demo.sleep"})).await;
    assert_eq!(first, json!({"done": 1000, "refused": 0, "more": true}));
    assert_eq!(bulk(&rig, "cancel", json!({"kind": "demo.sleep"})).await, done(1, 0));
}
