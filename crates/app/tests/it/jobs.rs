//! Durable jobs over HTTP and on the command line: made, found, followed, stopped, run again, forgotten.

mod command_line;
mod find;
mod graphs;
mod limits;
mod make;
mod manage;
mod observe;
mod operate;
mod preferred;
mod retries;
mod scopes;

use mindflight_testapp::{Answer, Instance, Launch};
use serde_json::{Value, json};

use crate::rig::{Rig, eventually};

/// Intervals so short that nobody waits for them.
const SHORT: [(&str, &str); 8] = [
    ("BEAT", "200ms"),
    ("FENCE_AFTER", "1500ms"),
    ("DEAD_AFTER", "2s"),
    ("SCAN", "200ms"),
    ("REPAIR", "300ms"),
    ("POLL", "100ms"),
    ("GRACE", "1s"),
    ("ISOLATION", "2s"),
];

/// A server that notices soon what others do, or that they do nothing any more.
pub(crate) fn watchful(launch: Launch) -> Launch {
    let set = |launch: Launch, (name, value): (&str, &str)| setting(launch, name, value);
    SHORT.into_iter().fold(launch, set)
}

/// With another setting of its jobs.
pub(crate) fn setting(launch: Launch, name: &str, value: &str) -> Launch {
    launch.env(&format!("MINDFLIGHT_JOBS__{name}"), value)
}

/// A server that makes jobs and runs none.
pub(crate) fn idle(launch: Launch) -> Launch {
    setting(launch, "WORKERS", "0")
}

/// A watchful server with a database of its own.
async fn rig() -> Rig {
    Rig::with(watchful).await
}

/// Stops what makes jobs by the clock, where every job is counted.
async fn without_clock(rig: &Rig) {
    let schedules = eventually(async || {
        let list = rig.server.get("/api/schedules").await.ok();
        Some(list).filter(|list| !items(list).is_empty())
    })
    .await;
    for schedule in items(&schedules) {
        post(&rig.server, &format!("/api/schedules/{}/pause", text(&schedule["id"]))).await;
    }
    for job in items(&rig.server.get("/api/jobs").await.ok()) {
        ended(&rig.server, text(&job["id"])).await;
        rig.server.call("DELETE", &format!("/api/jobs/{}", text(&job["id"]))).send().await;
    }
}

/// Makes a job, or several.
pub(crate) async fn enqueue(server: &Instance, body: &Value) -> Answer {
    server.post("/api/jobs", body).await
}

/// Makes one job and gives its id.
pub(crate) async fn made(server: &Instance, body: &Value) -> String {
    text(&enqueue(server, body).await.ok()["id"]).to_owned()
}

/// Makes many jobs and gives their ids.
pub(crate) async fn made_all(server: &Instance, body: &[Value]) -> Vec<String> {
    let made = enqueue(server, &json!(body)).await.ok();
    items(&made).iter().map(|job| text(&job["id"]).to_owned()).collect()
}

pub(crate) async fn job(server: &Instance, id: &str) -> Value {
    server.get(&format!("/api/jobs/{id}")).await.ok()
}

/// The job, once this holds for it.
pub(crate) async fn once(server: &Instance, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    eventually(async || Some(job(server, id).await).filter(&holds)).await
}

/// The job, once it has ended.
pub(crate) async fn ended(server: &Instance, id: &str) -> Value {
    let path = format!("/api/jobs/{id}?wait=20");
    eventually(async || Some(server.get(&path).await.ok()).filter(is_final)).await
}

/// The job, once an attempt is under way.
pub(crate) async fn running(server: &Instance, id: &str) -> Value {
    once(server, id, |job| job["state"] == "running").await
}

/// Sends a request without a body that has to work.
pub(crate) async fn post(server: &Instance, path: &str) -> Value {
    server.call("POST", path).send().await.ok()
}

/// Does something to a job that can be done to it.
pub(crate) async fn acted(server: &Instance, id: &str, action: &str) -> Value {
    act(server, id, action).await.ok()
}

/// Does something to a job.
pub(crate) async fn act(server: &Instance, id: &str, action: &str) -> Answer {
    server.call("POST", &format!("/api/jobs/{id}/{action}")).send().await
}

pub(crate) fn is_final(job: &Value) -> bool {
    job["next_poll_ms"].is_null()
}

/// The reason, or nothing.
pub(crate) fn reason(job: &Value) -> &str {
    job["reason"].as_str().unwrap_or_default()
}

/// A page's items.
#[track_caller]
pub(crate) fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap_or_else(|| panic!("no items: {page}"))
}

/// How the attempts at a job ended, oldest first.
pub(crate) fn ends(job: &Value) -> Vec<&str> {
    job["attempts"].as_array().into_iter().flatten().map(|one| text(&one["state"])).collect()
}

/// Text of a JSON member.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// A job that takes this long.
pub(crate) fn sleep(ms: u64) -> Value {
    json!({"kind": "demo.sleep", "args": {"ms": ms}})
}

/// A job that adds one to a counter.
pub(crate) fn count(key: &str) -> Value {
    json!({"kind": "demo.count", "args": {"key": key}})
}

/// How often something was added to a counter.
pub(crate) async fn counted(server: &Instance, key: &str) -> i64 {
    // The tool adds one, too.
    server.tool("demo_count", json!({"key": key})).await.ok()["count"].as_i64().unwrap() - 1
}
