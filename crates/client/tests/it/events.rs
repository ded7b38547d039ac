//! Events: what goes over the wire, and a stream that outlives its connections.

use std::time::Duration;

use mindflight_api::event::{NewEvent, ResetReason};
use mindflight_client::events::{Filter, Following, Item, Order};
use mindflight_client::{Error, Paging};
use serde_json::{Value, json};

use crate::canned::{Canned, answer, client, ours};

fn envelope(position: u64) -> Value {
    json!({"specversion": "1.0", "id": format!("e{position}"), "source": "api", "type": "a.b",
        "time": "2026-01-02T03:04:05Z", "sequence": position.to_string(), "depth": 0, "data": {"n": position}})
}

fn message(position: u64) -> String {
    format!("id: e1-{position}\ndata: {}\n\n", envelope(position))
}

/// A stream that ends after these messages.
fn stream(messages: &[String]) -> String {
    let body = format!(":\n\n{}", messages.concat());
    answer("200 OK", "Api-Version: 1\r\nContent-Type: text/event-stream\r\n", &body)
}

fn problem(status: u16, code: &str, headers: &str) -> String {
    let body = json!({"type": "t", "title": "No", "status": status, "detail": "no", "code": code, "instance": "",
        "fault": "server", "retry": "after", "request_id": ""});
    let headers = format!("Api-Version: 1\r\nContent-Type: application/problem+json\r\n{headers}");
    answer(&format!("{status} No"), &headers, &body.to_string())
}

fn event(id: Option<&str>) -> NewEvent {
    let id = id.map(str::to_owned);
    NewEvent { r#type: "a.b".to_owned(), data: json!({"n": 1}), key: None, id }
}

fn first_line(request: &str) -> &str {
    request.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
}

fn lines(server: Canned) -> Vec<String> {
    server.requests().iter().map(|request| first_line(request).to_owned()).collect()
}

fn after(text: &str) -> Filter {
    Filter { after: Some(text.parse().expect("a place")), ..Filter::default() }
}

async fn position(stream: &mut Following) -> u64 {
    let item = stream.next().await.expect("an item");
    let Item::Event(place, envelope) = item else { panic!("{item:?}") };
    assert_eq!(place.position, envelope.sequence);
    place.position
}

async fn lost(stream: &mut Following) {
    let item = stream.next().await.expect("an item");
    assert!(matches!(item, Item::Lost(_)), "{item:?}");
}

#[tokio::test]
async fn one_event_or_several_are_published_and_waited_for() {
    let one = ours("202 Accepted", r#"{"id":"x"}"#);
    let placed = ours("202 Accepted", r#"{"id":"x","position":7}"#);
    let all = ours("202 Accepted", r#"{"items":[{"id":"x"},{"id":"y"}]}"#);
    let server = Canned::start(vec![one, placed, all]);
    let client = client(&server.url);
    assert_eq!(client.events().publish(&event(None)).await.unwrap().id, "x");
    let wait = Duration::from_millis(1);
    let published = client.events().publish_and_wait(&event(Some("x")), wait).await.unwrap();
    assert_eq!(published.position, Some(7));
    let events = [event(None), event(None)];
    assert_eq!(client.events().publish_all(&events).await.unwrap().items.len(), 2);
    let requests = server.requests();
    let sent = [
        ("POST /api/events", r#"{"type":"a.b","data":{"n":1}}"#),
        ("POST /api/events?wait=1", r#"{"type":"a.b","data":{"n":1},"id":"x"}"#),
        ("POST /api/events", r#"[{"type":"a.b","data":{"n":1}},{"type":"a.b","data":{"n":1}}]"#),
    ];
    for (request, (line, body)) in requests.iter().zip(sent) {
        assert_eq!(first_line(request), line);
        assert!(request.ends_with(&format!("\r\n\r\n{body}")), "{request}");
    }
}

#[tokio::test]
async fn an_event_is_sent_again_only_if_its_id_makes_it_the_same() {
    let server = Canned::start(vec![String::new(); 2]);
    let broken = |error: Error| assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    let client = client(&server.url);
    broken(client.events().publish(&event(None)).await.unwrap_err());
    let some = [event(Some("x")), event(None)];
    broken(client.events().publish_all(&some).await.unwrap_err());
    assert_eq!(server.requests().len(), 2);
    let server = Canned::start(vec![String::new(), ours("202 Accepted", r#"{"id":"x"}"#)]);
    let client = crate::canned::client(&server.url);
    client.events().publish(&event(Some("x"))).await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn events_are_listed_and_one_is_read() {
    let list = json!({"items": [envelope(2)], "next": "n", "head": "e1-9"}).to_string();
    let server =
        Canned::start(vec![ours("200 OK", &list), ours("200 OK", &envelope(2).to_string())]);
    let client = client(&server.url);
    let filter = Filter {
        r#type: vec!["a.*".to_owned(), "b.**".to_owned()],
        source: Some("api".to_owned()),
        ..after("e1-1")
    };
    let paging = Paging { limit: Some(1), cursor: Some("c".to_owned()) };
    let page = client.events().list(&filter, Some(Order::Descending), &paging).await.unwrap();
    assert_eq!((page.head.to_string().as_str(), page.items[0].sequence), ("e1-9", 2));
    assert_eq!(client.events().get("e1-2").await.unwrap().id, "e2");
    let query = "type=a.*%2Cb.**&source=api&after=e1-1&order=desc&limit=1&cursor=c";
    assert_eq!(
        lines(server),
        [format!("GET /api/events?{query}"), "GET /api/events/e1-2".to_owned()]
    );
}

#[tokio::test]
async fn a_stream_goes_on_over_ends_refusals_and_broken_connections() {
    let away = problem(503, "database_unavailable", "Retry-After: 0\r\n");
    let proxy = answer("502 Bad Gateway", "Content-Type: text/html\r\n", "<html>");
    let server = Canned::start(vec![
        stream(&[message(2), message(3)]),
        stream(&[]),
        String::new(),
        away,
        proxy,
        stream(&[message(4)]),
    ]);
    let filter = Filter { r#type: vec!["a.*".to_owned()], ..after("1") };
    let mut stream = client(&server.url).events().stream(&filter).await.unwrap();
    assert_eq!((position(&mut stream).await, position(&mut stream).await), (2, 3));
    lost(&mut stream).await;
    assert_eq!(position(&mut stream).await, 4);
    let requests = server.requests();
    assert_eq!(first_line(&requests[0]), "GET /api/events/stream?type=a.*&after=1");
    assert!(!requests[0].contains("last-event-id"), "{}", requests[0]);
    for request in &requests[1..] {
        assert_eq!(first_line(request), "GET /api/events/stream?type=a.*");
        assert!(request.contains("last-event-id: e1-3\r\n"), "{request}");
    }
}

#[tokio::test]
async fn a_stream_from_now_begins_at_the_head_even_if_its_first_connection_gives_nothing() {
    let list = json!({"items": [], "next": null, "head": "e1-9"}).to_string();
    let server = Canned::start(vec![ours("200 OK", &list), stream(&[]), stream(&[message(10)])]);
    let mut stream = client(&server.url).events().stream(&Filter::default()).await.unwrap();
    assert_eq!(position(&mut stream).await, 10);
    let place = "GET /api/events/stream?after=e1-9";
    assert_eq!(lines(server), ["GET /api/events?limit=1", place, place]);
}

#[tokio::test]
async fn a_reset_is_given_and_followed() {
    let reset = |reason: &str| {
        format!(
            "event: reset\ndata: {{\"reason\":\"{reason}\",\"oldest\":\"e2-4\",\"head\":\"e2-9\"}}\n\n"
        )
    };
    for (reason, known, place) in
        [("retention", ResetReason::Retention, "e2-4"), ("epoch", ResetReason::Epoch, "e2-9")]
    {
        let server = Canned::start(vec![stream(&[reset(reason)]), stream(&[message(10)])]);
        let mut stream = client(&server.url).events().stream(&after("e1-1")).await.unwrap();
        let item = stream.next().await.unwrap();
        assert!(matches!(&item, Item::Reset(reset) if reset.reason == known), "{item:?}");
        assert_eq!(position(&mut stream).await, 10);
        assert!(server.requests()[1].contains(&format!("last-event-id: {place}\r\n")), "{reason}");
    }
}

#[tokio::test]
async fn what_says_only_how_far_it_is_or_is_of_a_later_server_gives_no_item() {
    let others = ["id: e1-5\n\n".to_owned(), "event: news\ndata: x\n\n".to_owned()];
    let server = Canned::start(vec![stream(&others), stream(&[message(6)])]);
    let mut stream = client(&server.url).events().stream(&after("e1-1")).await.unwrap();
    assert_eq!(position(&mut stream).await, 6);
    assert!(server.requests()[1].contains("last-event-id: e1-5\r\n"));
}

#[tokio::test]
async fn a_refusal_for_good_ends_a_stream_at_its_start_and_later() {
    let refused = || problem(403, "forbidden", "");
    let server = Canned::start(vec![refused()]);
    let error = client(&server.url).events().stream(&after("1")).await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "forbidden");
    let server = Canned::start(vec![stream(&[message(2)]), refused()]);
    let mut stream = client(&server.url).events().stream(&after("1")).await.unwrap();
    assert_eq!(position(&mut stream).await, 2);
    assert_eq!(stream.next().await.unwrap_err().problem().unwrap().status, 403);
}

#[tokio::test]
async fn a_stream_is_not_opened_where_no_server_is_and_tried_on_once_it_was() {
    let error = client("http://127.0.0.1:1").events().stream(&after("1")).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    let server = Canned::start(vec![stream(&[message(2)])]);
    let mut stream = client(&server.url).events().stream(&after("1")).await.unwrap();
    assert_eq!(position(&mut stream).await, 2);
    assert_eq!(server.requests().len(), 1);
    lost(&mut stream).await;
}

#[tokio::test]
async fn what_is_no_stream_of_ours_is_an_error() {
    for body in [
        "data: {}\n\n".to_owned(),
        "id: e1-1\ndata: {\n\n".to_owned(),
        "id: nowhere\n\n".to_owned(),
        format!("data: {}\n\n", envelope(1)),
        "nothing\n\n".to_owned(),
        format!("data: {}", "x".repeat(2 << 20)),
    ] {
        let server = Canned::start(vec![stream(std::slice::from_ref(&body))]);
        let mut stream = client(&server.url).events().stream(&after("1")).await.unwrap();
        let error = stream.next().await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{body}: {error:?}");
    }
    let stranger = answer("200 OK", "Content-Type: text/event-stream\r\n", ":\n\n");
    let server = Canned::start(vec![stranger]);
    let error = client(&server.url).events().stream(&after("1")).await.unwrap_err();
    assert!(matches!(error, Error::NotOurs { .. }), "{error:?}");
}
