//! Who may publish and read, and for how long.

use serde_json::json;

use super::wire::{STREAM, Socket, Sse};
use super::{data, published};
use crate::rig::{BINARY, Rig, eventually, start};

#[tokio::test]
async fn publishing_and_reading_want_their_scopes() {
    let rig = Rig::new().await;
    let (reader, writer) = (rig.key("events:read").await, rig.key("events:write").await);
    let event = json!({"type": "a.b"});
    let paths = ["/api/events", "/api/events/1", STREAM, "/api/events/ws"];
    for path in paths {
        let answer = rig.server.call("GET", path).key(&writer).send().await;
        assert!(answer.problem(403, "forbidden").contains("events:read"), "{path}");
    }
    let answer = rig.server.call("POST", "/api/events").key(&reader).json(&event).send().await;
    assert!(answer.problem(403, "forbidden").contains("events:write"), "{}", answer.text);
    let answer = rig.server.call("POST", "/api/events").key(&writer).json(&event).send().await;
    assert_eq!(answer.status, 202);
    for path in paths {
        let answer = rig.server.call("GET", path).key("nobody").send().await;
        let _ = answer.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_stream_ends_soon_after_its_key_is_revoked() {
    let rig = Rig::new().await;
    let made = rig.server.post("/api/keys", &json!({"name": "k", "scopes": ["events:read"]})).await;
    let key = made.body["key"].as_str().unwrap();
    let mut stream = Sse::open(&rig.server, key, "").await;
    let mut socket = Socket::open(&rig.server, key, "").await;
    let other = rig.key("events:read").await;
    let mut stays = Sse::open(&rig.server, &other, "?type=a.*").await;
    assert_eq!(rig.server.call("DELETE", made.header("location")).send().await.status, 204);
    while stream.message().await.is_some() {}
    let (code, words) = socket.closed().await;
    assert_eq!(code, 1008, "{words}");
    published(&rig.server, "a.b", json!(1)).await;
    assert_eq!(data(&mut stays, 1).await, [json!(1)]);
}

#[tokio::test]
async fn streams_count_towards_no_limit() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_LIMITS__ENABLED", "true")
            .env("MINDFLIGHT_LIMITS__REQUESTS_PER_MINUTE", "2")
    })
    .await;
    let key = rig.key("events:read,events:write").await;
    for _ in 0..4 {
        drop(Sse::open(&rig.server, &key, "").await);
        assert_eq!(rig.server.call("GET", "/api/events").key(&key).send().await.status, 200);
    }
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let call = rig.server.call("POST", "/api/events").key(&key);
        statuses.push(call.json(&json!({"type": "a.b"})).send().await.status);
    }
    assert_eq!(statuses, [202, 202, 429]);
}

#[tokio::test]
async fn a_development_server_streams_to_whoever_is_on_this_machine() {
    let (db, dir) = (mindflight_testapp::TestDb::new().await, tempfile::tempdir().unwrap());
    let launch = mindflight_testapp::Launch::dev(BINARY, db.url(), dir.path().to_str().unwrap());
    let server = start(launch).await;
    let wire = super::wire::Wire::open(&server, "GET", STREAM, &[]).await;
    assert_eq!(wire.status(), 200, "{}", wire.head);
    let foreign = [("Origin", "https://evil.example")];
    let wire = super::wire::Wire::open(&server, "GET", STREAM, &foreign).await;
    assert_eq!(wire.status(), 401, "{}", wire.head);
    eventually(async || (server.get("/health").await.status == 200).then_some(())).await;
}
