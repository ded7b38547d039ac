//! Publishers that do not give up: what was not answered is sent again, to whichever server there is, with the same id.

use std::time::Instant;

use mindflight_testapp::Instance;
use serde_json::{Value, json};

use super::{Crowd, PATIENCE};

/// An event that was answered with 202.
#[derive(Debug)]
pub(super) struct Acknowledged {
    pub(super) id: String,
    /// If it was waited for.
    pub(super) position: Option<u64>,
}

impl Acknowledged {
    pub(super) fn read(answer: &Value) -> Self {
        let id = answer["id"].as_str().unwrap().to_owned();
        Self { id, position: answer["position"].as_u64() }
    }
}

impl Crowd {
    /// Publishes on every server at the same time for as long as this says.
    pub(super) async fn publish_while(&self, goes_on: impl Fn() -> bool) -> Vec<Acknowledged> {
        let publish = |name, first| publish(&self.servers, name, first, &goes_on);
        let (one, two, three) =
            tokio::join!(publish("one", 0), publish("two", 1), publish("three", 2));
        one.into_iter().chain(two).chain(three).collect()
    }

    /// Publishes so many on every server at the same time; ids of another round are others.
    pub(super) async fn publish_each(&self, round: usize, count: usize) -> Vec<Acknowledged> {
        let publish = async |name, first| {
            let left = std::cell::Cell::new(count);
            let goes_on = || left.replace(left.get().saturating_sub(1)) > 0;
            publish(&self.servers, &format!("{name}-{round}"), first, &goes_on).await
        };
        let (one, two, three) = tokio::join!(publish("a", 0), publish("b", 1), publish("c", 2));
        one.into_iter().chain(two).chain(three).collect()
    }
}

/// Publishes to this server as long as it answers, then to the next one. Every third waits for its position, every
/// fifth comes with two others.
async fn publish(
    servers: &[Instance],
    name: &str,
    mut at: usize,
    goes_on: &impl Fn() -> bool,
) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    let event = |id: String| json!({"type": "chaos.event", "id": id, "data": {"from": name}});
    let mut number = 0;
    while goes_on() {
        let path = if number % 3 == 0 { "/api/events?wait=1" } else { "/api/events" };
        let id = |place: &str| format!("{name}-{number}{place}");
        let body = match number % 5 {
            0 => json!([event(id("x")), event(id("y")), event(id("z"))]),
            _ => event(id("")),
        };
        let answer = insistently(servers, &mut at, path, &body).await;
        let items = answer["items"].as_array().cloned().unwrap_or_else(|| vec![answer]);
        acknowledged.extend(items.iter().map(Acknowledged::read));
        number += 1;
    }
    acknowledged
}

/// The answer, from whoever gives one.
pub(super) async fn insistently(
    servers: &[Instance],
    at: &mut usize,
    path: &str,
    body: &Value,
) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < end, "nobody takes {body}");
        match servers[*at].call("POST", path).json(body).try_send().await {
            Ok(answer) if answer.status == 503 => {}
            Ok(answer) => {
                assert_eq!(answer.status, 202, "{}", answer.text);
                return answer.body;
            }
            Err(_) => *at = (*at + 1) % servers.len(),
        }
    }
}
