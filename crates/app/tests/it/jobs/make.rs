//! Making jobs: one, several, at once or later, once for a key.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{count, ended, ends, enqueue, items, job, made, post, reason, rig, sleep, text};

fn time(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

#[tokio::test]
async fn a_job_is_made_run_and_ends_with_its_result() {
    let rig = rig().await;
    let made = enqueue(&rig.server, &sleep(10)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = text(&made.body["id"]).to_owned();
    assert_eq!(made.header("location"), format!("/api/jobs/{id}"));
    for (member, value) in [
        ("kind", json!("demo.sleep")),
        ("provider", json!("demo")),
        ("queue", json!("demo")),
        ("priority", json!(5)),
        ("max_attempts", json!(10)),
        ("args", json!({"ms": 10})),
        ("tags", json!([])),
        ("long_running", json!(false)),
    ] {
        assert_eq!(made.body[member], value, "{member}");
    }
    assert!(made.body["existing"].is_null());
    let job = ended(&rig.server, &id).await;
    for (member, value) in [
        ("state", json!("succeeded")),
        ("reason", json!(null)),
        ("result", json!({"slept_ms": 10})),
        ("error", json!(null)),
        ("attempt", json!(1)),
        ("actions", json!(["delete"])),
        ("next_poll_ms", json!(null)),
    ] {
        assert_eq!(job[member], value, "{member}");
    }
    assert_eq!(ends(&job), ["succeeded"]);
    assert!(job["attempts"][0]["worker"].is_i64(), "{job}");
    let (made, started) = (time(&job["created_at"]), time(&job["started_at"]));
    assert!(made <= started && started <= time(&job["finished_at"]), "{job}");
}

#[tokio::test]
async fn an_array_makes_its_jobs_in_its_order() {
    let rig = rig().await;
    let mixed = json!([count("a"), sleep(0), {"kind": "demo.fail"}]);
    let made = enqueue(&rig.server, &mixed).await;
    assert_eq!((made.status, made.header("location")), (201, ""));
    let kinds: Vec<&str> = items(&made.body).iter().map(|job| text(&job["kind"])).collect();
    assert_eq!(kinds, ["demo.count", "demo.sleep", "demo.fail"]);
    let thousand: Vec<Value> = (0..1000)
        .map(|ms| json!({"kind": "demo.sleep", "args": {"ms": ms}, "delay": "1h"}))
        .collect();
    let made = enqueue(&rig.server, &json!(thousand)).await.ok();
    let order: Vec<u64> =
        items(&made).iter().map(|job| job["args"]["ms"].as_u64().unwrap()).collect();
    assert_eq!(order, (0..1000).collect::<Vec<_>>());
    let list = rig.server.get("/api/jobs?limit=1").await.ok();
    assert_eq!(list["counts"]["scheduled"], 1000, "{}", list["counts"]);
}

#[tokio::test]
async fn nothing_of_an_array_is_made_if_one_of_it_is_wrong() {
    let rig = rig().await;
    let refused = enqueue(&rig.server, &json!([sleep(0), {"kind": "demo.slep"}])).await;
    let _ = refused.problem(422, "unknown_kind");
    assert_eq!(refused.body["errors"][0]["pointer"], "/1/kind");
    let list = rig.server.get("/api/jobs?kind=demo.sleep").await.ok();
    assert_eq!(items(&list).len(), 0, "{list}");
}

#[tokio::test]
async fn a_job_waits_until_it_is_due() {
    let rig = rig().await;
    for (delay, wait) in [(json!("1h"), 3600), (json!(90), 90), (json!("2d"), 172_800)] {
        let body = json!({"kind": "demo.sleep", "args": {"ms": 0}, "delay": delay});
        let made = enqueue(&rig.server, &body).await.ok();
        assert_eq!((&made["state"], &made["attempt"]), (&json!("scheduled"), &json!(0)));
        let found = job(&rig.server, text(&made["id"])).await;
        assert!(reason(&found).starts_with("not due until "), "{found}");
        let late = time(&made["run_at"]) - time(&made["created_at"]) - TimeDelta::seconds(wait);
        assert!(late.abs() < TimeDelta::seconds(1), "{made}");
    }
    let at = "2100-01-01T00:00:00Z";
    let body = json!({"kind": "demo.sleep", "args": {"ms": 0}, "run_at": at});
    let made = enqueue(&rig.server, &body).await.ok();
    assert_eq!((&made["state"], time(&made["run_at"])), (&json!("scheduled"), at.parse().unwrap()));
    // Soon, or in the past.
    for when in
        [json!({"delay": 0.3}), json!({"delay": 0}), json!({"run_at": "2020-01-01T00:00:00Z"})]
    {
        let mut body = sleep(0);
        body.as_object_mut().unwrap().extend(when.as_object().unwrap().clone());
        let id = super::made(&rig.server, &body).await;
        let job = ended(&rig.server, &id).await;
        assert_eq!(job["state"], "succeeded", "{when}");
        assert!(time(&job["started_at"]) >= time(&job["run_at"]), "{when}: {job}");
    }
}

#[tokio::test]
async fn what_was_asked_for_is_kept_and_shown() {
    let rig = rig().await;
    let body = json!({
        "kind": "demo.sleep", "args": {"ms": 1}, "queue": "side", "priority": 0, "max_attempts": 3,
        "tags": ["nightly", "ä b"], "delay": "1h",
    });
    let id = made(&rig.server, &body).await;
    let job = job(&rig.server, &id).await;
    for (member, value) in [
        ("queue", json!("side")),
        ("priority", json!(0)),
        ("max_attempts", json!(3)),
        ("tags", json!(["nightly", "ä b"])),
        ("args", json!({"ms": 1})),
        ("actions", json!(["cancel", "retry", "snooze"])),
        ("attempts", json!([])),
    ] {
        assert_eq!(job[member], value, "{member}");
    }
}

#[tokio::test]
async fn what_is_more_urgent_runs_first() {
    let rig =
        super::Rig::with(|launch| super::setting(super::watchful(launch), "WORKERS", "1")).await;
    let gate = made(&rig.server, &json!({"kind": "demo.sleep", "args": {"ms": 0}})).await;
    ended(&rig.server, &gate).await;
    post(&rig.server, "/api/queues/demo/pause").await;
    let of = |priority: u8| json!({"kind": "demo.count", "args": {"key": "order"}, "priority": priority});
    let ids = super::made_all(&rig.server, &[of(9), of(5), of(0), of(5)]).await;
    post(&rig.server, "/api/queues/demo/resume").await;
    let mut order = Vec::new();
    for id in &ids {
        order.push(ended(&rig.server, id).await["result"]["count"].clone());
    }
    assert_eq!(order, [4, 2, 1, 3]);
}

#[tokio::test]
async fn a_key_makes_one_job_until_that_has_ended() {
    let rig = rig().await;
    let keyed = |ms: u64| json!({"kind": "demo.sleep", "args": {"ms": ms}, "unique_key": "nap"});
    let first = enqueue(&rig.server, &keyed(300)).await;
    assert_eq!(first.status, 201);
    let again = enqueue(&rig.server, &keyed(1)).await;
    assert_eq!((again.status, &again.body["existing"]), (200, &json!(true)), "{}", again.text);
    let id = text(&first.body["id"]);
    assert_eq!((text(&again.body["id"]), again.header("location")), (id, first.header("location")));
    assert_eq!(again.body["args"], json!({"ms": 300}), "the first one's");
    // The key is of the kind, not of all kinds.
    let other = json!({"kind": "demo.count", "args": {"key": "k"}, "unique_key": "nap"});
    assert_eq!(enqueue(&rig.server, &other).await.status, 201);
    let array = enqueue(&rig.server, &json!([keyed(1), sleep(0)])).await;
    assert_eq!((array.status, &array.body["items"][0]["existing"]), (201, &json!(true)));
    ended(&rig.server, id).await;
    let next = enqueue(&rig.server, &keyed(1)).await;
    assert_eq!(next.status, 201, "{}", next.text);
    assert_ne!(text(&next.body["id"]), id);
}
