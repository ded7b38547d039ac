//! Memory: SLOP's and MFO's shapes, versions, time to live, spaces.

use serde_json::json;

use crate::rig::{Rig, eventually};

#[tokio::test]
async fn what_is_stored_comes_back_in_both_spellings() {
    let rig = Rig::new().await;
    let stored = rig
        .server
        .post("/api/memory", &json!({"key": "thread:1", "value": {"b": 1, "a": 1.50}}))
        .await;
    assert_eq!(stored.ok(), json!({"status": "stored", "version": 1}));
    let read = rig.server.get("/api/memory/thread:1").await;
    // Data is never altered, the order of members and the digits of numbers included.
    assert!(read.text.contains("{\"b\":1,\"a\":1.5"), "{}", read.text);
    let mfo = rig.server.post("/api/memory/set", &json!({"key": "k", "value": "v"})).await;
    assert_eq!(mfo.ok()["status"], "stored");
    assert_eq!(rig.server.get("/api/memory/get?key=k").await.ok()["value"], "v");
    let put = rig.server.call("PUT", "/api/memory/k").json(&json!({"value": "w"})).send().await;
    assert_eq!(put.ok(), json!({"status": "updated", "version": 2, "previous_value": "v"}));
    let keys = rig.server.get("/api/memory?prefix=th").await.ok();
    assert_eq!(keys["keys"][0]["key"], "thread:1");
    assert_eq!(
        rig.server.call("DELETE", "/api/memory/k").send().await.ok(),
        json!({"status": "deleted"})
    );
    let _ = rig.server.get("/api/memory/k").await.problem(404, "not_found");
}

#[tokio::test]
async fn keys_come_in_pages_and_every_key_sees_its_own() {
    let rig = Rig::new().await;
    for key in ["a", "b", "c"] {
        rig.server.post("/api/memory", &json!({"key": key, "value": 1})).await;
    }
    let first = rig.server.get("/api/memory?limit=2").await.ok();
    assert_eq!((first["keys"].as_array().unwrap().len(), &first["next"]), (2, &json!("b")));
    let rest = rig.server.get("/api/memory?limit=2&cursor=b").await.ok();
    assert_eq!((&rest["keys"][0]["key"], &rest["next"]), (&json!("c"), &json!(null)));
    let other = rig.key("memory").await;
    let empty = rig.server.call("GET", "/api/memory").key(&other).send().await.ok();
    assert_eq!(empty["keys"], json!([]));
    let no_scope = rig.key("tools:call").await;
    let refused = rig.server.call("GET", "/api/memory").key(&no_scope).send().await;
    assert!(refused.problem(403, "forbidden").contains("`memory`"));
}

#[tokio::test]
async fn an_expected_version_and_a_time_to_live_are_kept() {
    let rig = Rig::new().await;
    let write = async |version: u64| {
        let body = json!({"key": "cas", "value": version, "if_version": version});
        rig.server.post("/api/memory", &body).await
    };
    assert_eq!(write(0).await.status, 200);
    let _ = write(0).await.problem(409, "conflict");
    assert_eq!(write(1).await.ok()["version"], 2);
    rig.server.post("/api/memory", &json!({"key": "brief", "value": 1, "ttl_seconds": 1})).await;
    eventually(async || (rig.server.get("/api/memory/brief").await.status == 404).then_some(()))
        .await;
}

#[tokio::test]
async fn what_cannot_be_stored_is_named() {
    let rig = Rig::new().await;
    let nul = rig.server.post("/api/memory", &json!({"key": "k", "value": "a\u{0}b"})).await;
    assert_eq!(nul.status, 400, "{}", nul.text);
    let large = json!({"key": "k", "value": "x".repeat(300 * 1024)});
    let _ = rig.server.post("/api/memory", &large).await.problem(413, "too_large");
    let unknown = rig.server.post("/api/memory", &json!({"key": "k", "valu": 1})).await;
    assert!(unknown.problem(400, "invalid_request").contains("did you mean `value`?"));
    let empty = rig.server.post("/api/memory", &json!({"key": "", "value": 1})).await;
    assert!((400..423).contains(&empty.status), "{}", empty.text);
}
