//! Events over HTTP: published, found, followed on every face, turned into jobs.

mod bad_input;
mod find;
mod follow;
mod gate;
mod jobs;
mod publish;
mod reset;
mod shutdown;
mod socket;
mod webhook;
mod wire;

use mindflight_testapp::Instance;
use serde_json::{Value, json};

use self::wire::Sse;

/// Publishes an event and waits for its position.
async fn published(server: &Instance, r#type: &str, data: Value) -> u64 {
    let event = json!({"type": r#type, "data": data});
    let answer = server.post("/api/events?wait=20", &event).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.body["position"].as_u64().unwrap()
}

/// The data of the next events of a stream.
async fn data(stream: &mut Sse, count: usize) -> Vec<Value> {
    let mut data = Vec::new();
    for _ in 0..count {
        data.push(stream.event().await["data"].clone());
    }
    data
}
