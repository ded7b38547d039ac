//! What is wrong with a request about events is named, with its place and with what is right.

use serde_json::{Value, json};

use crate::rig::{Rig, says};

const BODY: (u16, &str) = (422, "invalid_body");

#[tokio::test]
async fn each_member_of_an_event_has_its_rules() {
    let rig = Rig::new().await;
    let long = "x".repeat(129);
    for (event, pointer, text) in [
        (json!({"data": 1}), "/type", "`type` is missing"),
        (json!({"type": 7}), "/type", "must be a string; got 7"),
        (json!({"type": null}), "/type", "must be a string"),
        (json!({"type": ""}), "/type", "1 to 150 characters"),
        (json!({"type": "Mail"}), "/type", "lower-case"),
        (json!({"type": "mail.*"}), "/type", "lower-case"),
        (json!({"type": "a".repeat(151)}), "/type", "1 to 150 characters"),
        (json!({"type": "mindflight.job.failed"}), "/type", "the server's own"),
        (json!({"type": "a", "id": ""}), "/id", "1 to 128 characters"),
        (json!({"type": "a", "id": long}), "/id", "1 to 128 characters"),
        (json!({"type": "a", "id": 7}), "/id", "must be a string"),
        (json!({"type": "a", "key": long}), "/key", "1 to 128 characters"),
        (json!({"type": "a", "key": "a\nb"}), "/key", "control characters"),
        (json!({"type": "a", "data": 1, "payload": 1}), "/payload", "leave one out"),
        (json!(7), "", "must be a JSON object"),
        (json!([7]), "/0", "must be a JSON object"),
        (json!([]), "", "1 to 1000 events; got 0"),
    ] {
        says(&rig.server.post("/api/events", &event).await, BODY, pointer, text);
    }
    let both = json!([{"type": "A", "key": ""}, {"type": "a"}, {"type": "b", "id": 1}]);
    let answer = rig.server.post("/api/events", &both).await;
    let places: Vec<&Value> =
        answer.body["errors"].as_array().unwrap().iter().map(|one| &one["pointer"]).collect();
    assert_eq!(places, ["/0/type", "/0/key", "/2/id"], "{}", answer.text);
    let list = rig.server.get("/api/events?source=api").await.ok();
    assert_eq!(list["items"], json!([]), "nothing of all this was published");
}

#[tokio::test]
async fn bodies_that_are_no_events_are_refused() {
    let rig = Rig::new().await;
    let unknown = rig.server.post("/api/events", &json!({"type": "a", "dta": 1})).await;
    says(&unknown, (400, "invalid_request"), "/dta", "did you mean `data`?");
    let nul = rig.server.post("/api/events", &json!({"type": "a", "data": ["\0"]})).await;
    says(&nul, (400, "invalid_request"), "/data/0", "NUL");
    let many = vec![json!({"type": "a"}); 1001];
    says(&rig.server.post("/api/events", &json!(many)).await, (413, "too_large"), "", "got 1001");
    for body in ["{\"type\":", "", "\u{feff}{}"] {
        let answer = rig.server.call("POST", "/api/events").bytes(body).send().await;
        let _ = answer.problem(400, "invalid_json");
    }
    let deep = format!("{{\"type\":\"a\",\"data\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let answer = rig.server.call("POST", "/api/events").bytes(deep).send().await;
    assert!(answer.problem(400, "invalid_json").contains("128"), "{}", answer.text);
    let large = json!({"type": "a", "data": "x".repeat(1_200_000)});
    let _ = rig.server.post("/api/events", &large).await.problem(413, "too_large");
    let text = rig.server.call("POST", "/api/events").header("content-type", "text/plain");
    let _ = text.send().await.problem(400, "invalid_json");
    for wait in ["0", "61", "x", ""] {
        let path = format!("/api/events?wait={wait}");
        let answer = rig.server.post(&path, &json!({"type": "a"})).await;
        assert!(answer.problem(400, "invalid_query").contains("from 1 to 60"), "{}", answer.text);
    }
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_before_a_stream_begins() {
    let rig = Rig::new().await;
    for path in ["/api/events", "/api/events/stream", "/api/events/ws"] {
        for (query, text) in [
            ("type=Mail", "`type` must be"),
            ("type=", "`type` must be"),
            ("type=a,,b", "`type` must be"),
            ("source=", "`source` must be"),
            ("source=a&source=b", "`source` stands twice"),
            ("after=", "`after` must be"),
            ("after=soon", "`after` must be"),
            ("after=-1", "`after` must be"),
            ("after=99999999999999999999", "`after` must be"),
            ("tpye=a", "did you mean `type`?"),
        ] {
            let answer = rig.server.get(&format!("{path}?{query}")).await;
            let detail = answer.problem(400, "invalid_query");
            assert!(detail.contains(text), "{path}?{query}: {detail}");
        }
    }
    for (query, code) in [
        ("order=up", "invalid_query"),
        ("limit=0", "invalid_query"),
        ("limit=501", "invalid_query"),
        ("cursor=7", "invalid_cursor"),
        ("cursor=asc.a-1&order=desc", "invalid_cursor"),
    ] {
        let answer = rig.server.get(&format!("/api/events?{query}")).await;
        let _ = answer.problem(400, code);
    }
    let stream = rig.server.call("GET", "/api/events/stream").header("Last-Event-ID", "yesterday");
    assert!(stream.send().await.problem(400, "invalid_request").contains("Last-Event-ID"));
    for id in ["0", "999999", "nobody", "nobody-1", "99999999999999999999", "-1"] {
        let answer = rig.server.get(&format!("/api/events/{id}")).await;
        assert!(answer.problem(404, "not_found").contains(id), "{}", answer.text);
    }
    assert_eq!(rig.server.call("DELETE", "/api/events").send().await.status, 405);
}
