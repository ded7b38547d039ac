//! A database that stops answering or dies while the server runs: health says so, and what needs none goes on.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mindflight_testapp::{Answer, Instance, Launch};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::rig::{eventually, start};
use crate::start::{open_folder, private};

/// What an answer may take that must not wait for the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// `dev` that looks at its database often, and does not wait long for it.
fn watchful(dir: &Path) -> Launch {
    private(dir)
        .env("MINDFLIGHT_DATABASE__CHECK_INTERVAL", "100ms")
        .env("MINDFLIGHT_DATABASE__ACQUIRE_TIMEOUT", "500ms")
        .env("MINDFLIGHT_DATABASE__STATEMENT_TIMEOUT", "500ms")
}

fn postmaster(dir: &Path) -> Pid {
    let text = fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// The children of a process that run now.
fn children(parent: Pid) -> Vec<Pid> {
    let is_child = |stat: &str| {
        // The name in parentheses may hold anything; state and parent follow it.
        let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
        (rest.nth(1)?.parse() == Ok(parent.as_raw_nonzero().get())).then_some(())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| is_child(&stat).is_some())
    })
    .filter_map(Pid::from_raw)
    .collect()
}

/// A database whose processes are all stopped; they go on when this is dropped, or a failed test would leave them.
struct Frozen(Vec<Pid>);

impl Frozen {
    fn new(dir: &Path) -> Self {
        // The parent first: then it makes no more children.
        let parent = postmaster(dir);
        kill_process(parent, Signal::STOP).unwrap();
        let mut frozen = Self(vec![parent]);
        for child in children(parent) {
            // One that has just ended needs no stopping.
            kill_process(child, Signal::STOP).unwrap_or_default();
            frozen.0.push(child);
        }
        frozen
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in &self.0 {
            kill_process(*pid, Signal::CONT).unwrap_or_default();
        }
    }
}

/// An answer that does not wait.
async fn prompt(server: &Instance, path: &str) -> Answer {
    let answer = tokio::time::timeout(PATIENCE, server.get(path)).await;
    answer.unwrap_or_else(|_| panic!("{path} waits for the database"))
}

/// What a server without its database still does, and what it refuses.
async fn answers_without_its_database(server: &Instance) {
    let health = eventually(async || {
        let health = prompt(server, "/health").await;
        (health.status == 503).then_some(health.body)
    })
    .await;
    assert_eq!(
        (&health["status"], &health["checks"]["database"]["status"]),
        (&json!("unhealthy"), &json!("unhealthy"))
    );
    assert!(health["checks"]["database"]["detail"].is_string(), "{health}");
    assert_eq!(prompt(server, "/health/liveness").await.status, 200);
    for path in ["/health/readiness", "/healthz"] {
        assert_eq!(prompt(server, path).await.status, 503, "{path}");
    }
    assert!(prompt(server, "/metrics").await.text.contains("mindflight_"));
    let sum =
        tokio::time::timeout(PATIENCE, server.tool("demo_add", json!({"a": 1, "b": 2}))).await;
    assert_eq!(sum.unwrap().ok(), json!({"sum": 3}));
    let count = server.tool("demo_count", json!({"key": "k"})).await;
    let _ = count.problem(503, "database_unavailable");
    assert!(!count.header("retry-after").is_empty());
}

#[tokio::test]
async fn a_frozen_database_is_reported_and_missed_only_by_what_needs_it() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let server = start(watchful(&dir)).await;
    assert_eq!(server.tool("demo_count", json!({"key": "k"})).await.ok(), json!({"count": 1}));
    let frozen = Frozen::new(&dir);
    answers_without_its_database(&server).await;
    drop(frozen);
    eventually(async || (server.get("/health").await.status == 200).then_some(())).await;
    let counted = eventually(async || {
        let counted = server.tool("demo_count", json!({"key": "k"})).await;
        (counted.status == 200).then_some(counted.body)
    })
    .await;
    // Those that were refused did nothing, or it would be more.
    assert_eq!(counted, json!({"count": 2}));
    server.terminate().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_killed_is_reported_and_the_server_lives_on() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let server = start(watchful(&dir)).await;
    assert_eq!(server.tool("demo_count", json!({"key": "k"})).await.ok(), json!({"count": 1}));
    kill_process(postmaster(&dir), Signal::KILL).unwrap();
    answers_without_its_database(&server).await;
    server.terminate().await.unwrap();
    // What was counted is in the folder.
    let server = start(watchful(&dir)).await;
    assert_eq!(server.tool("demo_count", json!({"key": "k"})).await.ok(), json!({"count": 2}));
    server.terminate().await.unwrap();
}
