//! Readers whose place is gone are told so.

use serde_json::{Value, json};

use super::published;
use super::wire::{Socket, Sse};
use crate::rig::{Rig, eventually};

#[tokio::test]
async fn a_place_of_another_history_is_answered_with_a_reset_that_says_where_to_go_on() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    let position = published(&rig.server, "a.b", json!(1)).await;
    let mut stream = Sse::open(&rig.server, &key, "?after=deadbeef-1&type=a.*").await;
    let message = stream.next().await.unwrap();
    assert_eq!(message.event.as_deref(), Some("reset"));
    let reset: Value = serde_json::from_str(&message.data).unwrap();
    assert_eq!(reset["reason"], "epoch", "{reset}");
    assert_eq!(reset["head"], message.id, "{reset}");
    published(&rig.server, "a.b", json!(2)).await;
    assert_eq!(stream.event().await["data"], 2);

    let mut socket = Socket::open(&rig.server, &key, "?after=deadbeef-1").await;
    let first = socket.json().await;
    assert_eq!(first["reset"]["reason"], "epoch", "{first}");
    let place = first["id"].as_str().unwrap();
    let at: u64 = place.rsplit_once('-').unwrap().1.parse().unwrap();
    assert!(at > position, "{first}");
    let metrics = rig.server.get("/metrics").await.text;
    for reader in ["sse", "websocket"] {
        let line = format!("mindflight_event_resets_total{{reader=\"{reader}\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_reader_behind_retention_is_told_so_and_goes_on_with_what_is_there() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_EVENTS__RETENTION", "1s")
            .env("MINDFLIGHT_EVENTS__PARTITION", "200ms")
            .env("MINDFLIGHT_EVENTS__HOUSEKEEPING", "100ms")
            .env("MINDFLIGHT_PROVIDERS__DEMO__ENABLED", "false")
    })
    .await;
    let key = rig.key("events:read").await;
    let first = published(&rig.server, "a.first", json!(1)).await;
    let page = eventually(async || {
        published(&rig.server, "a.more", json!(2)).await;
        let page = rig.server.get("/api/events?after=0&limit=1").await.ok();
        (!page["reset"].is_null()).then_some(page)
    })
    .await;
    assert_eq!(page["reset"]["reason"], "retention", "{page}");
    let oldest = page["reset"]["oldest"].as_str().unwrap().rsplit_once('-').unwrap().1;
    assert!(oldest.parse::<u64>().unwrap() >= first, "{page}");
    let _ = rig.server.get(&format!("/api/events/{first}")).await.problem(404, "not_found");
    let mut stream = Sse::open(&rig.server, &key, "?after=0").await;
    let message = stream.next().await.unwrap();
    assert_eq!(message.event.as_deref(), Some("reset"), "{message:?}");
    let reset: Value = serde_json::from_str(&message.data).unwrap();
    assert_eq!((&reset["reason"], &reset["oldest"]), (&json!("retention"), &json!(message.id)));
    published(&rig.server, "a.last", json!(3)).await;
    while stream.event().await["type"] != "a.last" {}
}
