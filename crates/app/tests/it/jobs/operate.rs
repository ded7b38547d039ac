//! Operating: queues, schedules, workers, providers that are switched off.

use mindflight_testapp::Instance;
use serde_json::{Value, json};

use super::{
    count, counted, ended, ends, idle, items, job, made, once, post, reason, rig, sleep, text,
    watchful,
};
use crate::rig::{BINARY, Rig, eventually, start};
use mindflight_testapp::Launch;

async fn switch(server: &Instance, path: &str, body: &Value) -> Value {
    server.post(path, body).await.ok()
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_on_any_instance_and_says_who_paused_it_and_why() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let second = start(watchful(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let mail = json!({"kind": "demo.count", "args": {"key": "k"}, "queue": "mail"});
    let first = made(&rig.server, &mail).await;
    ended(&rig.server, &first).await;
    let paused =
        switch(&second, "/api/queues/mail/pause", &json!({"reason": "vendor incident"})).await;
    assert_eq!(
        (&paused["name"], &paused["paused_by"], &paused["pause_reason"]),
        (&json!("mail"), &json!("test"), &json!("vendor incident"))
    );
    let id = made(&rig.server, &mail).await;
    let waits = job(&rig.server, &id).await;
    assert_eq!(waits["state"], "queued", "{waits}");
    let said = reason(&waits);
    assert!(said.starts_with("queue `mail` is paused by test since "), "{said}");
    assert!(said.ends_with(": vendor incident"), "{said}");
    // Others go on, and pass it by.
    let side =
        made(&rig.server, &json!({"kind": "demo.count", "args": {"key": "k"}, "queue": "side"}))
            .await;
    ended(&rig.server, &side).await;
    assert_eq!(job(&rig.server, &id).await["state"], "queued");
    let queue = eventually(async || {
        let queue = rig.server.get("/api/queues/mail").await.ok();
        Some(queue).filter(|queue| queue["workers"] == 2)
    })
    .await;
    assert_eq!(queue["queued"], 1, "{queue}");
    let resumed = post(&rig.server, "/api/queues/mail/resume").await;
    assert!(resumed["paused_at"].is_null() && resumed["pause_reason"].is_null(), "{resumed}");
    assert_eq!(ended(&rig.server, &id).await["state"], "succeeded");
    let unknown = rig.server.call("POST", "/api/queues/mial/pause").send().await;
    assert!(unknown.problem(404, "not_found").contains("did you mean `mail`?"));
    let names: Value = rig.server.get("/api/queues").await.ok();
    let names: Vec<&str> = items(&names).iter().map(|queue| text(&queue["name"])).collect();
    assert!(names.ends_with(&["mail", "side"]), "{names:?}");
}

#[tokio::test]
async fn a_schedule_is_listed_run_by_hand_paused_and_resumed() {
    let rig = rig().await;
    let list = eventually(async || {
        let list = rig.server.get("/api/schedules").await.ok();
        Some(list).filter(|list| !items(list).is_empty())
    })
    .await;
    let schedule = &items(&list)[0];
    assert_eq!(
        (&schedule["kind"], &schedule["cron"], &schedule["zone"]),
        (&json!("demo.tick"), &json!("* * * * *"), &json!("UTC"))
    );
    assert_eq!(schedule["next"].as_array().unwrap().len(), 5, "{schedule}");
    let path = format!("/api/schedules/{}", text(&schedule["id"]));
    let run = rig.server.call("POST", &format!("{path}/run")).send().await;
    assert_eq!((run.status, &run.body["kind"]), (201, &json!("demo.tick")), "{}", run.text);
    let id = text(&run.body["id"]).to_owned();
    assert_eq!(run.header("location"), format!("/api/jobs/{id}"));
    assert_eq!(ended(&rig.server, &id).await["state"], "succeeded");
    let paused = post(&rig.server, &format!("{path}/pause")).await;
    assert_eq!((&paused["paused_by"], &paused["next"]), (&json!("test"), &json!([])));
    let resumed = post(&rig.server, &format!("{path}/resume")).await;
    assert!(resumed["paused_at"].is_null(), "{resumed}");
    assert_eq!(rig.server.get(&path).await.ok()["next"].as_array().unwrap().len(), 5);
    let nobody = rig.server.get("/api/schedules/018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11").await;
    let _ = nobody.problem(404, "not_found");
}

#[tokio::test]
async fn workers_are_listed_while_they_live() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let second = start(watchful(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let third = start(idle(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let pids = async || {
        let list = third.get("/api/workers").await.ok();
        let mut pids: Vec<i32> =
            items(&list).iter().map(|worker| worker["pid"].as_i64().unwrap() as i32).collect();
        pids.sort_unstable();
        pids
    };
    // One that runs no jobs is no worker.
    let mut both = vec![rig.server.pid(), second.pid()];
    both.sort_unstable();
    eventually(async || (pids().await == both).then_some(())).await;
    // What they can run is known a moment after they have come.
    let list = eventually(async || {
        let list = third.get("/api/workers").await.ok();
        let knows = |worker: &Value| {
            worker["kinds"].as_array().is_some_and(|kinds| kinds.contains(&json!("demo.sleep")))
        };
        Some(list).filter(|list| items(list).iter().all(knows))
    })
    .await;
    let worker = &items(&list)[0];
    assert!(worker["slots"].as_u64() > Some(0) && worker["stopping"] == false, "{worker}");
    second.terminate().await.unwrap();
    assert_eq!(pids().await, [rig.server.pid()], "it has left before it ended");
    rig.server.kill().await.unwrap();
    // The third looks for no dead, having nothing to run.
    assert_eq!(third.get("/health/liveness").await.status, 200);
}

#[tokio::test]
async fn jobs_of_a_provider_that_is_off_wait_and_say_so() {
    let rig = rig().await;
    let first = made(&rig.server, &count("k")).await;
    ended(&rig.server, &first).await;
    let late =
        made(&rig.server, &json!({"kind": "demo.count", "args": {"key": "k"}, "delay": 0.2})).await;
    post(&rig.server, "/api/providers/demo/disable").await;
    let refused = super::enqueue(&rig.server, &sleep(0)).await;
    assert!(refused.problem(422, "unknown_kind").contains("the provider `demo` is off"));
    let waits = once(&rig.server, &late, |job| reason(job).contains("no live worker")).await;
    assert_eq!((&waits["state"], &waits["attempt"]), (&json!("queued"), &json!(0)), "{waits}");
    assert!(reason(&waits).contains("the provider `demo` is off: "), "{waits}");
    post(&rig.server, "/api/providers/demo/enable").await;
    let job = ended(&rig.server, &late).await;
    assert_eq!((&job["state"], ends(&job)), (&json!("succeeded"), vec!["succeeded"]));
    assert_eq!(counted(&rig.server, "k").await, 2);
}

/// T20.
#[tokio::test]
async fn a_kind_that_an_instance_does_not_know_is_left_to_those_that_do() {
    let rig =
        Rig::with(|launch| watchful(launch).without("MINDFLIGHT_PROVIDERS__DEMO__ENABLED")).await;
    let key = rig.key("admin").await;
    let maker = start(idle(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let id = made(&maker, &count("k")).await;
    let waits = once(&maker, &id, |job| reason(job).contains("no live worker")).await;
    assert_eq!(waits["state"], "queued", "{waits}");
    let newer = start(watchful(Launch::serve(BINARY, rig.db.url()))).await.with_key(&key);
    let job = ended(&newer, &id).await;
    assert_eq!((&job["state"], ends(&job)), (&json!("succeeded"), vec!["succeeded"]));
}
