//! Following the log over a WebSocket.

use serde_json::json;

use super::published;
use super::wire::{Socket, Wire};
use crate::rig::Rig;

#[tokio::test]
async fn a_socket_gives_what_comes_and_goes_on_after_a_place() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    let mut socket = Socket::open(&rig.server, &key, "?type=a.*").await;
    for n in 0..3 {
        published(&rig.server, "a.b", json!(n)).await;
        published(&rig.server, "b.c", json!(n)).await;
    }
    let mut places = Vec::new();
    for n in 0..3 {
        let said = socket.json().await;
        assert_eq!(said["event"]["data"], n, "{said}");
        let place = said["id"].as_str().unwrap().to_owned();
        assert!(place.ends_with(&format!("-{}", said["event"]["sequence"].as_str().unwrap())));
        places.push(place);
    }
    let query = format!("?type=a.*&after={}", places[0]);
    let mut second = Socket::open(&rig.server, &key, &query).await;
    assert_eq!(second.json().await["event"]["data"], 1);
    // A client that pings is answered with its own words, and one that says goodbye hears it back.
    second.send(9, b"hello").await;
    let answer = loop {
        match second.frame().await.unwrap() {
            (1, _) => {}
            other => break other,
        }
    };
    assert_eq!(answer, (10, b"hello".to_vec()));
    second.send(8, &1000_u16.to_be_bytes()).await;
    assert_eq!(second.closed().await.0, 1000);
    assert!(second.0.has_ended().await);
}

#[tokio::test]
async fn a_socket_only_sends() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    for (opcode, bytes) in [(1, b"{\"type\":\"a.b\"}".as_slice()), (2, b"\x00\x01")] {
        let mut socket = Socket::open(&rig.server, &key, "").await;
        socket.send(opcode, bytes).await;
        let (code, words) = socket.closed().await;
        assert_eq!(code, 1003);
        assert!(words.contains("POST /api/events"), "{words}");
    }
    let mut socket = Socket::open(&rig.server, &key, "").await;
    // Reserved.
    socket.send(3, b"x").await;
    assert_eq!(socket.closed().await.0, 1002);
}

#[tokio::test]
async fn a_client_is_pinged_and_given_up_when_it_does_not_answer() {
    let rig = Rig::with(|launch| launch.env("MINDFLIGHT_EVENTS__KEEP_ALIVE", "300ms")).await;
    let key = rig.key("events:read").await;
    let mut answers = Socket::open(&rig.server, &key, "?type=a.*").await;
    let mut silent = Socket::open(&rig.server, &key, "?type=a.*").await;
    let giving_up = async {
        let mut pings = 0;
        while let Some((opcode, _)) = silent.frame().await {
            assert_eq!(opcode, 9);
            pings += 1;
        }
        published(&rig.server, "a.b", json!(1)).await;
        pings
    };
    let (pings, said) = tokio::join!(giving_up, answers.json());
    assert!((1..=4).contains(&pings), "{pings}");
    assert_eq!(said["event"]["data"], 1);
}

#[tokio::test]
async fn a_socket_is_not_opened_for_a_foreign_page_or_without_a_handshake() {
    let rig = Rig::with(|launch| {
        launch.env("MINDFLIGHT_SERVER__CORS_ORIGINS", "[\"https://app.example.com\"]")
    })
    .await;
    let key = rig.key("events:read").await;
    let own = rig.server.url().to_owned();
    for (origin, status) in [
        ("https://app.example.com", 101),
        (own.as_str(), 101),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://localhost:3000", 403),
    ] {
        let wire = Socket::ask(&rig.server, &key, "", &[("Origin", origin)]).await;
        assert_eq!(wire.status(), status, "{origin}: {}", wire.head);
    }
    let answer = rig.server.get("/api/events/ws").await;
    assert!(answer.problem(400, "invalid_request").contains("WebSocket"), "{}", answer.text);
    let bearer = format!("Bearer {key}");
    let old = [
        ("Authorization", bearer.as_str()),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "8"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let wire = Wire::open(&rig.server, "GET", "/api/events/ws", &old).await;
    assert_eq!(wire.status(), 400, "{}", wire.head);
}
