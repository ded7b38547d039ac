//! Publishing: one, many, again, and with its position.

use serde_json::json;

use super::published;
use crate::rig::{Rig, eventually};

#[tokio::test]
async fn an_event_is_published_and_read_back_by_each_of_its_names() {
    let rig = Rig::new().await;
    let body = json!({"type": "mail.received", "payload": {"n": 1.50}, "key": "box-7"});
    let made = rig.server.post("/api/events", &body).await;
    assert_eq!(made.status, 202, "{}", made.text);
    assert!(made.body["position"].is_null(), "nobody waited: {}", made.text);
    let id = made.body["id"].as_str().unwrap().to_owned();
    let by_id = eventually(async || {
        let answer = rig.server.get(&format!("/api/events/{id}")).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    for (member, value) in [
        ("specversion", json!("1.0")),
        ("id", json!(id)),
        ("source", json!("api")),
        ("type", json!("mail.received")),
        ("key", json!("box-7")),
        ("depth", json!(0)),
        ("data", json!({"n": 1.50})),
    ] {
        assert_eq!(by_id[member], value, "{by_id}");
    }
    let position = by_id["sequence"].as_str().unwrap();
    let head = rig.server.get("/api/events").await.ok()["head"].as_str().unwrap().to_owned();
    let epoch = head.split('-').next().unwrap();
    for name in [position.to_owned(), format!("{epoch}-{position}")] {
        assert_eq!(rig.server.get(&format!("/api/events/{name}")).await.ok(), by_id, "{name}");
    }
    let _ =
        rig.server.get(&format!("/api/events/other-{position}")).await.problem(404, "not_found");
}

#[tokio::test]
async fn many_are_published_in_their_order_or_not_at_all() {
    let rig = Rig::new().await;
    let before = published(&rig.server, "a.first", json!(0)).await;
    let body: Vec<_> = (0..1000).map(|n| json!({"type": "a.many", "data": n})).collect();
    let made = rig.server.post("/api/events?wait=20", &json!(body)).await;
    assert_eq!(made.status, 202, "{}", made.text);
    let items = made.body["items"].as_array().unwrap();
    let positions: Vec<u64> = items.iter().map(|item| item["position"].as_u64().unwrap()).collect();
    assert!(positions.windows(2).all(|pair| pair[0] < pair[1]), "{positions:?}");
    assert!(positions[0] > before && positions.len() == 1000);
    let half = json!([{"type": "a.none"}, {"type": "A"}]);
    let _ = rig.server.post("/api/events", &half).await.problem(422, "invalid_body");
    let none = rig.server.get("/api/events?type=a.none").await.ok();
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn an_id_names_one_event_on_all_instances() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let event = json!({"type": "order.paid", "data": {"order": 7}, "id": "order-7"});
    let first = rig.server.post("/api/events?wait=20", &event).await.ok();
    assert_eq!(first["id"], "order-7");
    for server in [&rig.server, &second] {
        let again = server.post("/api/events?wait=20", &event).await;
        assert_eq!((again.status, &again.body), (202, &first), "{}", again.text);
        let other = json!({"type": "order.paid", "data": {"order": 8}, "id": "order-7"});
        let detail = server.post("/api/events", &other).await;
        assert!(detail.problem(409, "conflict").contains("order-7"), "{}", detail.text);
        // All or none: the good one of the two is not there either.
        let both = json!([{"type": "order.lost", "id": "order-9"}, other]);
        let _ = server.post("/api/events", &both).await.problem(409, "conflict");
    }
    let all = rig.server.get("/api/events?type=order.*").await.ok();
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "{all}");
    // An id that looks like a place is an id first.
    assert_eq!(rig.server.get("/api/events/order-7").await.ok()["data"]["order"], 7);
}

#[tokio::test]
async fn data_keeps_its_digits_and_its_size_has_a_limit() {
    let rig = Rig::new().await;
    let long = "ä\\\"\n\u{2028}";
    let body =
        format!(r#"{{"type":"a.b","data":{{"z":12345678901234567890,"a":{}}}}}"#, json!(long));
    let made = rig.server.call("POST", "/api/events?wait=20").bytes(body).send().await.ok();
    let read = rig.server.get(&format!("/api/events/{}", made["position"])).await;
    assert!(read.text.contains("12345678901234567890"), "{}", read.text);
    assert_eq!(read.body["data"]["a"], long);
    let most = json!({"type": "a.b", "data": "x".repeat(256 * 1024 - 2)});
    assert_eq!(rig.server.post("/api/events", &most).await.status, 202);
    let more = json!({"type": "a.b", "data": "x".repeat(256 * 1024 - 1)});
    let refused = rig.server.post("/api/events", &more).await;
    assert!(refused.problem(413, "too_large").contains("262144"), "{}", refused.text);
}
