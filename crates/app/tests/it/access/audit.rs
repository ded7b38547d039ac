//! The record of who did what.

use mindflight_testapp::Answer;
use serde_json::{Value, json};

use super::{PASSWORD, login, make_key, me, text, token, user};
use crate::rig::Rig;

async fn rows(rig: &Rig, query: &str) -> Vec<Value> {
    let list = rig.server.get(&format!("/api/audit?{query}")).await.ok();
    list["items"].as_array().unwrap().clone()
}

/// The only row, which has to be of this request, of a caller on this machine.
fn only(rows: &[Value], of: &Answer) -> Value {
    let [row] = rows else { panic!("{} rows: {rows:?}", rows.len()) };
    assert_eq!(
        (&row["request_id"], &row["ip"]),
        (&json!(of.header("x-request-id")), &json!("127.0.0.1"))
    );
    assert!(row["at"].is_string());
    row.clone()
}

#[tokio::test]
async fn what_a_key_does_is_recorded_with_the_key() {
    let rig = Rig::new().await;
    let by = rig.server.get("/api/me").await.ok()["key_id"].clone();
    let made = rig.server.post("/api/keys", &json!({"name": "k", "scopes": ["memory"]})).await;
    let id = text(&made.body["id"]);
    let revoked = rig.server.call("DELETE", made.header("location")).send().await;
    for (action, answer) in [("key.create", &made), ("key.revoke", &revoked)] {
        let row = only(&rows(&rig, &format!("action={action}&target={id}")).await, answer);
        assert_eq!((&row["key_id"], &row["user_id"]), (&by, &json!(null)), "{action}");
        assert_eq!(row["outcome"], "ok");
    }
    // Nothing was done by one who was refused.
    let _ = rig
        .server
        .post("/api/keys", &json!({"name": "", "scopes": ["memory"]}))
        .await
        .problem(422, "invalid_body");
    assert_eq!(rows(&rig, "action=key.create").await.len(), 2);
}

#[tokio::test]
async fn what_a_user_does_is_recorded_with_the_user_also_through_a_key() {
    let rig = Rig::new().await;
    let ada = user(&rig.db, "ada", "admin").await;
    let signed_in = login(&rig.server, "ada", PASSWORD).await;
    let row = only(&rows(&rig, "action=login").await, &signed_in);
    assert_eq!(
        (&row["user_id"], &row["target"], &row["outcome"]),
        (&json!(ada), &json!(ada), &json!("ok"))
    );

    let token = text(&signed_in.body["token"]);
    let new = json!({"username": "bob", "password": PASSWORD, "role": "viewer"});
    let bob = rig.server.call("POST", "/api/users").key(token).json(&new).send().await;
    let row = only(&rows(&rig, &format!("action=user.create&user={ada}")).await, &bob);
    assert_eq!(
        (&row["target"], &row["user_id"], &row["key_id"]),
        (&bob.body["id"], &json!(ada), &json!(null))
    );

    let made = make_key(&rig.server, token, &json!({"name": "k", "scopes": ["admin"]})).await;
    let deleted =
        rig.server.call("DELETE", bob.header("location")).key(text(&made.body["key"])).send().await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    let row = only(&rows(&rig, &format!("key={}", text(&made.body["id"]))).await, &deleted);
    assert_eq!((&row["action"], &row["target"]), (&json!("user.delete"), &bob.body["id"]));
    assert_eq!((&row["user_id"], &row["key_id"]), (&json!(ada), &made.body["id"]));
}

#[tokio::test]
async fn failed_sign_ins_are_recorded_without_what_was_typed() {
    let rig = Rig::new().await;
    let ada = user(&rig.db, "ada", "viewer").await;
    let wrong = login(&rig.server, "ada", "hunter2 hunter2 hunter2").await;
    let row = only(&rows(&rig, "action=login.failed").await, &wrong);
    assert_eq!(
        (&row["target"], &row["user_id"], &row["outcome"]),
        (&json!(ada), &json!(null), &json!("unauthenticated"))
    );
    // People type passwords into the wrong field.
    login(&rig.server, "hunter2 hunter2 hunter2", "ada").await;
    assert_eq!(rows(&rig, "action=login.failed").await.len(), 2);
    let all = rig.server.get("/api/audit").await.text;
    assert!(!all.contains("hunter2"), "{all}");
}

#[tokio::test]
async fn what_is_done_on_the_command_line_is_recorded_too() {
    let rig = Rig::new().await;
    let ada = user(&rig.db, "ada", "viewer").await;
    let rows = rows(&rig, &format!("action=user.create&target={ada}")).await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!(
        (&row["user_id"], &row["key_id"], &row["ip"]),
        (&json!(null), &json!(null), &json!(null))
    );
}

#[tokio::test]
async fn filters_restrict_and_pages_continue() {
    let rig = Rig::new().await;
    let ada = user(&rig.db, "ada", "viewer").await;
    let first = token(&rig.server, "ada").await;
    assert_eq!(me(&rig.server, &first).await.status, 200);
    token(&rig.server, "ada").await;
    assert_eq!(rows(&rig, &format!("user={ada}")).await.len(), 2);
    assert_eq!(rows(&rig, &format!("action=login&target={ada}")).await.len(), 2);
    assert!(rows(&rig, "action=nothing").await.is_empty());

    let page = rig.server.get("/api/audit?action=login&limit=1").await.ok();
    let next = format!("/api/audit?action=login&limit=1&cursor={}", text(&page["next"]));
    let last = rig.server.get(&next).await.ok();
    assert_eq!((page["items"].as_array().unwrap().len(), &last["next"]), (1, &json!(null)));
    // Newest first.
    let at = |page: &Value| {
        text(&page["items"][0]["at"]).parse::<chrono::DateTime<chrono::Utc>>().unwrap()
    };
    assert!(at(&page) > at(&last), "{page} {last}");

    for (query, code, detail) in [
        ("acton=login", "invalid_query", "did you mean `action`?"),
        ("user=ada", "invalid_id", "`user`"),
        ("key=7", "invalid_id", "`key`"),
        ("cursor=7", "invalid_cursor", "`cursor`"),
        ("limit=501", "invalid_query", "1 to 500"),
    ] {
        let refused = rig.server.get(&format!("/api/audit?{query}")).await;
        let text = refused.problem(400, code);
        assert!(text.contains(detail), "{query}: {text}");
    }
}
