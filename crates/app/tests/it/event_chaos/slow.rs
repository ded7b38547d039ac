//! Subscribers that do not read for a while.

use serde_json::{Value, json};

use super::publisher::{Acknowledged, insistently};
use super::{Crowd, in_one_order};

/// More than is kept in memory, and than sockets hold.
const REQUESTS: usize = 12;
const EACH: usize = 4;
const BYTES: usize = 250_000;

#[tokio::test]
async fn a_subscriber_that_does_not_read_holds_nobody_up_and_misses_nothing() {
    let crowd = Crowd::new().await;
    let readers = crowd.readers(1).await;
    let (slow, others) = readers.split_first().unwrap();
    slow.pause(true);
    let mut published: Vec<Acknowledged> = Vec::new();
    let data = "x".repeat(BYTES);
    for number in 0..REQUESTS {
        let event = |at: usize| json!({"type": "chaos.large", "id": format!("large-{number}-{at}"), "data": data});
        let events: Vec<Value> = (0..EACH).map(event).collect();
        // Through all of them, the one with the slow subscriber too.
        let mut at = number % crowd.servers.len();
        let path = if number + 1 == REQUESTS { "/api/events?wait=10" } else { "/api/events" };
        let answer = insistently(&crowd.servers, &mut at, path, &json!(events)).await;
        published.extend(answer["items"].as_array().unwrap().iter().map(Acknowledged::read));
    }
    let last = published.last().unwrap().position.unwrap();
    for reader in others {
        reader.until(last).await;
    }
    assert!(slow.seen().len() < REQUESTS * EACH, "it has read all the same");
    slow.pause(false);
    crowd.all_see(&readers, &published).await;
    let all: Vec<_> = readers.iter().map(super::Reader::seen).collect();
    in_one_order(&all);
}
