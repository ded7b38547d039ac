//! An incoming webhook that publishes and enqueues in one transaction.

use bytes::Bytes;
use mindflight_core::routes::Scheme;
use mindflight_testapp::Answer;
use serde_json::json;

use super::wire::Sse;
use crate::jobs::ended;
use crate::rig::Rig;

const SECRET: &str = "a secret of the test";

async fn rig() -> Rig {
    Rig::with(|launch| launch.env("MINDFLIGHT_PROVIDERS__DEMO__WEBHOOK_SECRET", SECRET)).await
}

/// A delivery, signed with a secret.
async fn deliver(rig: &Rig, body: &'static str, secret: &str) -> Answer {
    let mut request = http::Request::new(Bytes::from(body));
    let scheme = Scheme::HexHmac("X-Signature".to_owned());
    mindflight_signatures::sign(&scheme, secret, &mut request, "1", chrono::DateTime::UNIX_EPOCH)
        .unwrap();
    let signature = request.headers()["x-signature"].to_str().unwrap();
    let call = rig.server.call("POST", "/webhooks/demo/in").header("x-signature", signature);
    call.bytes(body).send().await
}

#[tokio::test]
async fn a_signed_delivery_is_an_event_and_a_job_together() {
    let rig = rig().await;
    let key = rig.key("events:read").await;
    let mut stream = Sse::open(&rig.server, &key, "?type=demo.received").await;
    let answer = deliver(&rig, r#"{"order":7}"#, SECRET).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let event = stream.event().await;
    assert_eq!((&event["id"], &event["source"]), (&answer.body["event"], &json!("demo")));
    assert_eq!(event["data"], json!({"order": 7}));
    let job = ended(&rig.server, answer.body["job"].as_str().unwrap()).await;
    assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!({"count": 1})));
    assert_eq!(deliver(&rig, "plain words", SECRET).await.status, 202);
    assert_eq!(stream.event().await["data"], "plain words");
}

#[tokio::test]
async fn an_unsigned_delivery_leaves_nothing() {
    let rig = rig().await;
    let _ = deliver(&rig, "{}", "another secret").await.problem(401, "unauthenticated");
    let plain = rig.server.call("POST", "/webhooks/demo/in").bytes("{}").send().await;
    let _ = plain.problem(401, "unauthenticated");
    let events = rig.server.get("/api/events?type=demo.received").await.ok();
    assert_eq!(events["items"], json!([]));
    let jobs = rig.server.get("/api/jobs?kind=demo.count").await.ok();
    assert_eq!(jobs["items"], json!([]));
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let rig = Rig::new().await;
    let _ = deliver(&rig, "{}", SECRET).await.problem(404, "not_found");
}
