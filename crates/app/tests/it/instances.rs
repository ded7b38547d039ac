//! Several servers on one database agree on who may call, and none goes by what it cannot check.

use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::json;

use crate::access::{PASSWORD, login, make_key, me, token, user};
use crate::rig::{BINARY, Rig, eventually, key, start};

/// Waits until a server refuses a credential.
async fn refused(server: &Instance, credential: &str) {
    eventually(async || {
        let answer = me(server, credential).await;
        if answer.status == 200 {
            return None;
        }
        let _ = answer.problem(401, "unauthenticated");
        Some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_made_on_one_works_on_the_other_at_once() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    // The second has looked at the database before, and knows of no such key.
    assert_eq!(second.get("/api/me").await.status, 200);
    for number in 0..3 {
        let body = json!({"name": format!("k{number}"), "scopes": ["tools:call"]});
        let made = rig.server.post("/api/keys", &body).await.ok();
        assert_eq!(me(&second, made["key"].as_str().unwrap()).await.status, 200);
    }
}

#[tokio::test]
async fn a_key_that_is_revoked_on_one_is_refused_on_the_other() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let made = rig.server.post("/api/keys", &json!({"name": "k", "scopes": ["tools:call"]})).await;
    let secret = made.body["key"].as_str().unwrap();
    assert_eq!(me(&second, secret).await.status, 200);
    assert_eq!(rig.server.call("DELETE", made.header("location")).send().await.status, 204);
    refused(&second, secret).await;
    // Others are not affected.
    assert_eq!(second.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn a_user_who_is_removed_on_one_is_gone_on_the_other_with_all_keys() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    let ada = user(&rig.db, "ada", "admin").await;
    let token = token(&second, "ada").await;
    let made = make_key(&second, &token, &json!({"name": "k", "scopes": ["memory"]})).await;
    let key = made.body["key"].as_str().unwrap();
    for server in [&rig.server, &second] {
        assert_eq!((me(server, &token).await.status, me(server, key).await.status), (200, 200));
    }
    let deleted = rig.server.call("DELETE", &format!("/api/users/{ada}")).send().await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for credential in [token.as_str(), key] {
        let _ = me(&rig.server, credential).await.problem(401, "unauthenticated");
        refused(&second, credential).await;
    }
    let _ = login(&second, "ada", PASSWORD).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn who_signs_out_on_one_is_signed_out_on_the_other() {
    let rig = Rig::new().await;
    let second = rig.second().await;
    user(&rig.db, "ada", "viewer").await;
    let token = token(&rig.server, "ada").await;
    assert_eq!(me(&second, &token).await.status, 200);
    assert_eq!(rig.server.call("POST", "/api/logout").key(&token).send().await.status, 204);
    refused(&second, &token).await;
}

#[tokio::test]
async fn credentials_that_cannot_be_checked_are_not_believed() {
    let db = TestDb::new().await;
    let (cached, fresh) = (key(&db, "admin").await, key(&db, "admin").await);
    let launch = Launch::serve(BINARY, db.url())
        .env("MINDFLIGHT_AUTH__VERSION_INTERVAL", "50ms")
        .env("MINDFLIGHT_AUTH__VERSION_MAX_AGE", "100ms")
        .env("MINDFLIGHT_DATABASE__ACQUIRE_TIMEOUT", "500ms");
    let server = start(launch).await;
    assert_eq!(me(&server, &cached).await.status, 200);
    let name = db.name().to_owned();
    drop(db);
    let away = eventually(async || {
        let answer = me(&server, &cached).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    let detail = away.problem(503, "database_unavailable");
    assert!(detail.contains("credentials cannot be checked"), "{detail}");
    assert!(!away.header("retry-after").is_empty());
    assert!(!away.text.contains(&name), "{}", away.text);
    // Nobody can say that these are wrong: to answer 401 would make clients throw them away.
    for credential in [fresh.as_str(), "nobody"] {
        let _ = me(&server, credential).await.problem(503, "database_unavailable");
    }
    // Nor does a tool that needs no database run for whoever cannot be checked.
    let call =
        server.call("POST", "/api/tools/demo_add").key(&cached).json(&json!({"a": 1, "b": 1}));
    let _ = call.send().await.problem(503, "database_unavailable");
    assert_eq!(server.get("/health/liveness").await.status, 200);
    eventually(async || (server.get("/health").await.status == 503).then_some(())).await;
}
