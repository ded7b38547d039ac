//! Following the log as server-sent events.

use serde_json::json;

use super::wire::{STREAM, Sse, Wire};
use super::{data, published};
use crate::rig::Rig;

#[tokio::test]
async fn a_stream_answers_at_once_and_gives_what_comes() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    published(&rig.server, "a.before", json!(0)).await;
    let headers = [("Accept", "application/json"), ("Accept-Encoding", "gzip, br")];
    let mut stream = Sse::with(&rig.server, &key, "?type=a.*", &headers).await;
    assert_eq!(stream.wire.header("content-type"), "text/event-stream");
    assert_eq!(stream.wire.header("cache-control"), "no-cache, no-transform");
    assert_eq!(stream.wire.header("x-accel-buffering"), "no");
    assert_eq!(stream.wire.header("content-encoding"), "", "a compressed event would wait");
    assert!(!stream.wire.header("x-request-id").is_empty());
    let position = published(&rig.server, "a.after", json!({"text": "a\nb"})).await;
    published(&rig.server, "b.other", json!(2)).await;
    let message = stream.next().await.unwrap();
    assert_eq!(message.event, None);
    assert!(message.id.ends_with(&format!("-{position}")), "{message:?}");
    let page = rig.server.get(&format!("/api/events/{}", message.id)).await;
    assert_eq!(message.data, page.text, "a list and a stream show the same");
    published(&rig.server, "a.last", json!(3)).await;
    assert_eq!(data(&mut stream, 1).await, [json!(3)]);
}

#[tokio::test]
async fn a_stream_goes_on_where_the_header_says_then_the_query() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    let mut places = Vec::new();
    let mut all = Sse::open(&rig.server, &key, "?type=a.*").await;
    for n in 0..6 {
        published(&rig.server, "a.b", json!(n)).await;
        places.push(all.next().await.unwrap().id);
    }
    let of = async |query: String, last: Option<&str>| {
        let headers: Vec<_> = last.map(|id| ("Last-Event-ID", id)).into_iter().collect();
        let mut stream = Sse::with(&rig.server, &key, &format!("?type=a.*{query}"), &headers).await;
        data(&mut stream, 2).await
    };
    assert_eq!(of(format!("&after={}", places[1]), None).await, [2, 3]);
    assert_eq!(of("&after=0".to_owned(), None).await, [0, 1]);
    assert_eq!(of(String::new(), Some(&places[3])).await, [4, 5]);
    // A browser that reconnects asks for the same URL again, and says where it was.
    assert_eq!(of(format!("&after={}", places[0]), Some(&places[2])).await, [3, 4]);
}

#[tokio::test]
async fn what_is_there_together_comes_in_one_piece() {
    let rig = Rig::new().await;
    let key = rig.key("events:read").await;
    let body: Vec<_> = (0..100).map(|n| json!({"type": "a.b", "data": n})).collect();
    assert_eq!(rig.server.post("/api/events?wait=20", &json!(body)).await.status, 202);
    let mut stream = Sse::open(&rig.server, &key, "?after=0&type=a.*").await;
    let numbers = data(&mut stream, 100).await;
    assert_eq!(numbers, (0..100).map(|n| json!(n)).collect::<Vec<_>>());
    // The comment, and the events; the hub may have had them in two looks.
    assert!(stream.pieces.len() <= 4, "{:?}", stream.pieces);
}

#[tokio::test]
async fn a_quiet_stream_gives_a_sign_of_life_and_more_than_fit_are_sent_away() {
    let rig = Rig::with(|launch| {
        launch
            .env("MINDFLIGHT_EVENTS__KEEP_ALIVE", "50ms")
            .env("MINDFLIGHT_EVENTS__MAX_STREAMS", "2")
    })
    .await;
    let key = rig.key("events:read").await;
    let mut first = Sse::open(&rig.server, &key, "").await;
    for _ in 0..3 {
        assert!(first.message().await.unwrap().is_comment);
    }
    let second = Sse::open(&rig.server, &key, "").await;
    let third = rig.server.get(STREAM).await;
    assert!(third.problem(503, "busy").contains("2 streams"), "{}", third.text);
    assert!(!third.header("retry-after").is_empty());
    let metrics = rig.server.get("/metrics").await.text;
    assert!(metrics.contains("mindflight_event_streams{face=\"sse\"} 2"), "{metrics}");
    drop(second);
    // Its place is free as soon as the server notices.
    crate::rig::eventually(async || {
        let bearer = format!("Bearer {key}");
        let wire = Wire::open(&rig.server, "GET", STREAM, &[("Authorization", &bearer)]).await;
        (wire.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn head_does_not_hang() {
    let rig = Rig::new().await;
    for path in [STREAM, "/api/events", "/api/events/ws"] {
        let answer = rig.server.call("HEAD", path).send().await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
    }
    let answer = rig.server.call("HEAD", STREAM).send().await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
}

#[tokio::test]
async fn what_is_published_on_one_instance_is_streamed_by_the_other() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let key = rig.key("events:read").await;
    let mut streams = [
        Sse::open(&rig.server, &key, "?type=a.*").await,
        Sse::open(&second, &key, "?type=a.*").await,
    ];
    for n in 0..10 {
        let server = if n % 2 == 0 { &rig.server } else { &second };
        published(server, "a.b", json!(n)).await;
    }
    let expected: Vec<_> = (0..10).map(|n| json!(n)).collect();
    for stream in &mut streams {
        assert_eq!(data(stream, 10).await, expected);
    }
}
