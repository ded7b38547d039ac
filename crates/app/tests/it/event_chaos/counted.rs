//! Events that become jobs, on whichever instance.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::Crowd;
use super::publisher::insistently;
use crate::jobs::{counted, text};
use crate::rig::eventually;

const PINGS: usize = 300;

/// How many jobs of the subscription are in each state.
async fn counts(server: &mindflight_testapp::Instance) -> Value {
    server.get("/api/jobs?kind=demo.on.demo.ping&limit=1").await.ok()["counts"].clone()
}

/// T1. A consumer's jobs and its position are one transaction, and a job that ran twice counts once.
#[tokio::test]
async fn every_ping_becomes_one_job_and_counts_once_while_an_instance_is_killed() {
    let crowd = Crowd::new().await;
    let readers = crowd.readers(1).await;
    let publish = async |name: &str, first: usize| {
        let mut at = first;
        for number in 0..PINGS / 3 {
            let ping = json!({"type": "demo.ping", "id": format!("{name}-{number}"), "data": {}});
            let answer = insistently(&crowd.servers, &mut at, "/api/events", &ping).await;
            assert_eq!(text(&answer["id"]), format!("{name}-{number}"));
        }
    };
    let killing = async {
        let seen = crowd.mark().await;
        readers[1].until(seen + 60).await;
        crowd.servers[0].signal(Signal::KILL);
    };
    tokio::join!(publish("one", 0), publish("two", 1), publish("three", 2), killing);
    let server = &crowd.servers[1];
    let done = json!(PINGS);
    eventually(async || (counts(server).await["succeeded"] == done).then_some(())).await;
    let all: u64 =
        counts(server).await.as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(all, PINGS as u64, "{}", counts(server).await);
    assert_eq!(counted(server, "demo.ping").await, PINGS as i64);
}
