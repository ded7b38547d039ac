//! API keys: shown once, never wider than their maker, refused with one text whatever is wrong with them.

use mindflight_testapp::{Answer, TestDb};
use serde_json::{Value, json};

use super::{make_key, me, open, text, token, user};
use crate::rig::key;

const NO_ID: &str = "01900000-0000-7000-8000-000000000000";

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|key| text(&key["name"])).collect()
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let (db, server) = open(|launch| launch).await;
    let admin = key(&db, "admin").await;
    let body = json!({"name": "  <b>ci</b> ", "scopes": ["memory", "tools:call:echo_say"], "rate": 7, "expires_at": "2099-01-01T00:00:00Z"});
    let made = make_key(&server, &admin, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = text(&made.body["key"]).to_owned();
    assert_eq!(made.header("location"), format!("/api/keys/{}", text(&made.body["id"])));
    // Trimmed, and without markup.
    assert_eq!((&made.body["name"], &made.body["rate"]), (&json!("ci"), &json!(7)));
    assert_eq!(made.body["expires_at"], "2099-01-01T00:00:00Z");

    let caller = me(&server, &secret).await.ok();
    assert_eq!((&caller["kind"], &caller["key_id"]), (&json!("key"), &made.body["id"]));
    assert_eq!(caller["scopes"], json!(["memory", "tools:call:echo_say"]));

    let list = server.call("GET", "/api/keys").key(&admin).send().await;
    let one = server.call("GET", made.header("location")).key(&admin).send().await;
    for answer in [&list, &one] {
        assert!(!answer.text.contains(&secret), "{}", answer.text);
        assert!(
            !answer.text.contains("\"hash\"") && !answer.text.contains("\"key\""),
            "{}",
            answer.text
        );
    }
    assert!(secret.starts_with(text(&one.body["prefix"])));
    assert!(text(&one.body["prefix"]).len() < secret.len() / 2, "{}", one.text);
    assert_eq!(names(&list.ok()).len(), 2);
}

#[tokio::test]
async fn a_key_may_do_at_most_what_its_maker_may() {
    let (db, server) = open(|launch| launch).await;
    let maker = key(&db, "keys,memory,tools:call").await;
    let make = async |scopes: Value| {
        make_key(&server, &maker, &json!({"name": "k", "scopes": scopes})).await
    };
    assert_eq!(make(json!(["memory", "tools:call:demo_add", "keys"])).await.status, 201);
    for lacking in ["admin", "jobs:read"] {
        let refused = make(json!(["memory", lacking])).await;
        assert!(refused.problem(403, "forbidden").contains(&format!("`{lacking}`")));
    }
    // A key that may call one tool cannot make one that may call all.
    let narrow = key(&db, "keys,tools:call:demo_add").await;
    let refused = make_key(&server, &narrow, &json!({"name": "k", "scopes": ["tools:call"]})).await;
    assert!(refused.problem(403, "forbidden").contains("`tools:call`"));
    let without = key(&db, "memory").await;
    let refused = make_key(&server, &without, &json!({"name": "k", "scopes": ["memory"]})).await;
    assert!(refused.problem(403, "forbidden").contains("`keys`"));
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_named() {
    let (db, server) = open(|launch| launch).await;
    let admin = key(&db, "admin").await;
    for (member, value, pointer, detail) in [
        ("name", json!(""), "/name", "must not be empty"),
        ("name", json!("<i></i>"), "/name", "must not be empty"),
        ("name", json!("x".repeat(101)), "/name", "at most 100 characters; got 101"),
        ("name", json!("a\u{7}b"), "/name", "control characters"),
        ("name", json!("a\u{0}b"), "/name", "control characters"),
        ("name", json!(7), "/name", "expected a string"),
        ("scopes", json!([]), "/scopes", "at least one scope"),
        (
            "scopes",
            json!(["memory", "tools:cal"]),
            "/scopes/1",
            "no scope `tools:cal`; there are tools:call:NAME",
        ),
        (
            "expires_at",
            json!("2001-01-01T00:00:00Z"),
            "/expires_at",
            "must be in the future; got 2001",
        ),
        ("expires_at", json!("soon"), "/expires_at", "`expires_at`"),
        ("rate", json!(0), "/rate", "at least 1 request"),
    ] {
        let mut body = json!({"name": "k", "scopes": ["memory"]});
        body[member] = value;
        let refused = make_key(&server, &admin, &body).await;
        let text = refused.problem(422, "invalid_body");
        assert!(text.contains(detail), "{body}: {text}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}: {text}");
    }
    let list = server.call("GET", "/api/keys").key(&admin).send().await.ok();
    assert_eq!(names(&list), ["test"]);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once() {
    let (db, server) = open(|launch| launch).await;
    let admin = key(&db, "admin").await;
    let made = make_key(&server, &admin, &json!({"name": "k", "scopes": ["memory"]})).await;
    let (path, secret) = (made.header("location"), text(&made.body["key"]));
    assert_eq!(me(&server, secret).await.status, 200);
    let revoke = async |path: &str| server.call("DELETE", path).key(&admin).send().await;
    assert_eq!(revoke(path).await.status, 204);
    let _ = me(&server, secret).await.problem(401, "unauthenticated");
    let _ = revoke(path).await.problem(404, "not_found");
    let unknown = revoke(&format!("/api/keys/{NO_ID}")).await;
    assert!(unknown.problem(404, "not_found").contains(NO_ID));
    // It stays in the list, with its end.
    let one = server.call("GET", path).key(&admin).send().await.ok();
    assert!(one["revoked_at"].is_string(), "{one}");
}

#[tokio::test]
async fn keys_of_others_are_not_there_for_who_is_no_admin() {
    let (db, server) = open(|launch| launch).await;
    let mut made = Vec::new();
    for name in ["ada", "bob"] {
        user(&db, name, "admin").await;
        let body = json!({"name": name, "scopes": ["keys"]});
        made.push(make_key(&server, &token(&server, name).await, &body).await);
    }
    let ([ada, bob], nobody) = ([&made[0], &made[1]], key(&db, "keys").await);
    let list =
        async |credential: &str| server.call("GET", "/api/keys").key(credential).send().await.ok();
    assert_eq!(names(&list(text(&ada.body["key"])).await), ["ada"]);
    assert_eq!(names(&list(text(&bob.body["key"])).await), ["bob"]);
    assert_eq!(names(&list(&nobody).await), ["test"]);
    let mut all = list(&token(&server, "ada").await).await;
    all["items"].as_array_mut().unwrap().sort_by_key(|key| key["name"].to_string());
    assert_eq!(names(&all), ["ada", "bob", "test"]);
    for (method, credential) in
        [("GET", text(&ada.body["key"])), ("DELETE", text(&ada.body["key"])), ("DELETE", &nobody)]
    {
        let call = server.call(method, bob.header("location")).key(credential);
        let _ = call.send().await.problem(404, "not_found");
    }
    assert_eq!(me(&server, text(&bob.body["key"])).await.status, 200);
    let own =
        server.call("DELETE", ada.header("location")).key(text(&ada.body["key"])).send().await;
    assert_eq!(own.status, 204, "{}", own.text);
}

fn check_bad(what: &str, answer: &Answer) {
    let detail = answer.problem(401, "unauthenticated");
    let expected = "the credential is not valid: it is unknown, was revoked or has expired";
    assert_eq!(detail, expected, "{what}");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer"), "{what}: {challenge}");
}

#[tokio::test]
async fn bad_keys_and_tokens_all_get_one_answer() {
    let (db, server) = open(|launch| launch).await;
    user(&db, "ada", "viewer").await;
    let admin = key(&db, "admin").await;
    let revoked = make_key(&server, &admin, &json!({"name": "k", "scopes": ["memory"]})).await;
    let revoke = server.call("DELETE", revoked.header("location"));
    assert_eq!(revoke.key(&admin).send().await.status, 204);
    let other = TestDb::new().await;
    let token = token(&server, "ada").await;
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (_, claims) = head.split_once('.').unwrap();
    for credential in [
        "nobody",
        "mf_",
        &format!("{admin}x"),
        &key(&other, "admin").await,
        text(&revoked.body["key"]),
        &format!("{head}.{}", signature.chars().rev().collect::<String>()),
        // `{"alg":"none","typ":"at+jwt"}`
        &format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}."),
        "a.b.c",
        &"x".repeat(9000),
    ] {
        check_bad(credential, &me(&server, credential).await);
    }
}

#[tokio::test]
async fn only_one_bearer_credential_is_read() {
    let (db, server) = open(|launch| launch).await;
    let admin = key(&db, "admin").await;
    let call = |header: &str| server.call("GET", "/api/me").header("authorization", header);
    for header in ["", "Bearer", "Basic YWRhOnB3", "Token abc", &admin] {
        check_bad(header, &call(header).send().await);
    }
    let right = format!("Bearer {admin}");
    check_bad("twice", &call(&right).header("authorization", &right).send().await);
    // The scheme may be written in any case.
    let small = call(&format!("bearer {admin}")).send().await;
    assert_eq!(small.status, 200, "{}", small.text);
    let none = server.get("/api/me").await;
    let detail = none.problem(401, "unauthenticated");
    assert_eq!(detail, "no credentials were sent");
    assert!(none.header("www-authenticate").starts_with("Bearer"));
}
