//! Limits of queues and pauses with an end, over HTTP and on the command line.

use mindflight_testapp::{Answer, Instance, Launch};
use serde_json::{Value, json};

use super::{acted, ended, job, made, once, reason, rig, running, text};
use crate::rig::{Rig, command, eventually};

fn sleep_in(queue: &str, ms: u64) -> Value {
    json!({"kind": "demo.sleep", "args": {"ms": ms}, "queue": queue})
}

async fn change(server: &Instance, queue: &str, body: &Value) -> Answer {
    server.call("PATCH", &format!("/api/queues/{queue}")).json(body).send().await
}

/// A change that has to work.
async fn changed(server: &Instance, queue: &str, body: &Value) -> Value {
    change(server, queue, body).await.ok()
}

async fn run(rig: &Rig, key: &str, arguments: &[&str]) -> String {
    let launch: Launch = command(arguments).env("MINDFLIGHT_URL", rig.server.url());
    launch.env("MINDFLIGHT_KEY", key).stdout().await.unwrap()
}

#[tokio::test]
async fn a_queue_gets_limits_that_its_jobs_name_and_loses_them_again() {
    let rig = rig().await;
    let first = made(&rig.server, &sleep_in("mail", 0)).await;
    ended(&rig.server, &first).await;
    let body = json!({"concurrency": 1, "retention": "7d"});
    let queue = changed(&rig.server, "mail", &body).await;
    assert_eq!(
        (&queue["concurrency"], &queue["rate"], &queue["retention"]),
        (&json!(1), &Value::Null, &json!("7d"))
    );
    let runs = made(&rig.server, &sleep_in("mail", 60_000)).await;
    running(&rig.server, &runs).await;
    let waits = made(&rig.server, &sleep_in("mail", 0)).await;
    let limit = "at the limit of the queue `mail`: 1 of 1 running";
    assert_eq!(reason(&job(&rig.server, &waits).await), limit);
    // Other queues go on.
    let side = made(&rig.server, &sleep_in("side", 0)).await;
    assert_eq!(ended(&rig.server, &side).await["state"], "succeeded");
    assert_eq!(job(&rig.server, &waits).await["state"], "queued");
    // A slot comes back when a job is cancelled.
    acted(&rig.server, &runs, "cancel").await;
    assert_eq!(ended(&rig.server, &waits).await["state"], "succeeded");
    let queue = changed(&rig.server, "mail", &json!({"concurrency": null})).await;
    assert_eq!((&queue["concurrency"], &queue["retention"]), (&Value::Null, &json!("7d")));
}

#[tokio::test]
async fn a_rate_of_a_queue_says_when_the_next_may_start() {
    let rig = rig().await;
    // The queue of a provider, before any job was put into it.
    let queue = changed(&rig.server, "demo", &json!({"rate": "1/h"})).await;
    assert_eq!(queue["rate"], "1/1h");
    // The provider makes jobs by the clock: one of them may be the one that starts.
    let jobs = [
        made(&rig.server, &sleep_in("demo", 0)).await,
        made(&rig.server, &sleep_in("demo", 0)).await,
    ];
    let words = "held by the rate of the queue `demo`: 1 an hour; the next may start at ";
    let waits = once(&rig.server, &jobs[1], |job| reason(job).starts_with(words)).await;
    assert_eq!(waits["state"], "queued");
    changed(&rig.server, "demo", &json!({"rate": "1000/s"})).await;
    changed(&rig.server, "demo", &json!({"rate": null})).await;
    for job in &jobs {
        assert_eq!(ended(&rig.server, job).await["state"], "succeeded");
    }
    let key = rig.key("admin").await;
    let audit = rig.server.get("/api/audit?action=queue.change").await.ok();
    assert_eq!(audit["items"].as_array().map(Vec::len), Some(3), "{audit}");
    assert_eq!(audit["items"][2]["target"], "demo", "{audit}");
    let shown = run(&rig, &key, &["queue", "show", "demo"]).await;
    assert!(!shown.contains("at most"), "{shown}");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused_with_their_place() {
    let rig = rig().await;
    for (body, pointer) in [
        (json!({}), ""),
        (json!({"concurrency": 0}), "/concurrency"),
        (json!({"rate": "often"}), "/rate"),
        (json!({"retention": "0d"}), "/retention"),
    ] {
        let answer = change(&rig.server, "demo", &body).await;
        let _ = answer.problem(422, "invalid_body");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{}", answer.text);
    }
    let unknown = change(&rig.server, "demp", &json!({"concurrency": 1})).await;
    let _ = unknown.problem(404, "not_found");
    let reader = rig.key("jobs:read").await;
    let call = rig.server.call("PATCH", "/api/queues/demo").key(&reader);
    assert_eq!(call.json(&json!({"concurrency": 1})).send().await.status, 403);
}

#[tokio::test]
async fn a_queue_is_limited_and_paused_for_a_while_on_the_command_line() {
    let rig = rig().await;
    let key = rig.key("admin").await;
    let first = made(&rig.server, &sleep_in("mail", 0)).await;
    ended(&rig.server, &first).await;
    let set =
        run(&rig, &key, &["queue", "set", "mail", "--concurrency", "4", "--rate", "100/1m"]).await;
    assert_eq!(set, "its jobs: at most 4 at once, at most 100/1m started");
    let list = run(&rig, &key, &["queue", "list", "-o", "json"]).await;
    let list: Value = serde_json::from_str(&list).unwrap();
    let mail = list["items"].as_array().unwrap().iter().find(|queue| queue["name"] == "mail");
    assert_eq!(mail.map(|queue| text(&queue["rate"])), Some("100/1m"));
    let set =
        run(&rig, &key, &["queue", "set", "mail", "--concurrency", "none", "--rate", "none"]).await;
    assert_eq!(set, "its jobs have no limits");
    run(&rig, &key, &["queue", "pause", "mail", "--for", "1h", "--reason", "vendor incident"])
        .await;
    let waits = made(&rig.server, &sleep_in("mail", 0)).await;
    let why = reason(&job(&rig.server, &waits).await).to_owned();
    assert!(why.contains(" UTC until ") && why.ends_with(": vendor incident"), "{why}");
    run(&rig, &key, &["queue", "pause", "mail", "--for", "1s"]).await;
    assert_eq!(ended(&rig.server, &waits).await["state"], "succeeded");
    let queue = eventually(async || {
        let queue = rig.server.get("/api/queues/mail").await.ok();
        Some(queue).filter(|queue| queue["paused_at"].is_null())
    })
    .await;
    assert!(queue["paused_until"].is_null() && queue["paused_by"].is_null(), "{queue}");
}
