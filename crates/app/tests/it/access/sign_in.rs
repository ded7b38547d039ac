//! Passwords for tokens, the limit on failures, the end of a token, and a secret that changes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use mindflight_testapp::Launch;
use serde_json::json;

use super::{PASSWORD, login, me, open, token, user};
use crate::rig::{BINARY, key, start};

const OLD: &str = "the-secret-of-yesterday-0123456789abcdef";
const NEW: &str = "the-secret-of-today-0123456789abcdefghij";

#[tokio::test]
async fn a_password_becomes_a_token_that_says_who_calls() {
    let (db, server) = open(|launch| launch).await;
    let id = user(&db, "ada", "operator").await;
    for path in ["/api/login", "/auth/login"] {
        let body = json!({"username": "Ada", "password": PASSWORD});
        let answer = server.post(path, &body).await.ok();
        assert_eq!(answer["token_type"], "Bearer", "{path}");
        assert!(answer["expires_at"].is_string(), "{answer}");
        let caller = me(&server, answer["token"].as_str().unwrap()).await.ok();
        assert_eq!((&caller["kind"], &caller["name"]), (&json!("user"), &json!("ada")));
        assert_eq!((&caller["user_id"], &caller["key_id"]), (&json!(id), &json!(null)));
        assert!(caller["scopes"].as_array().unwrap().contains(&json!("tools:call")), "{caller}");
    }
    let token = token(&server, "ada").await;
    let call = server.call("POST", "/api/tools/demo_add").key(&token);
    assert_eq!(call.json(&json!({"a": 1, "b": 1})).send().await.status, 200);
    let users = server.call("GET", "/api/users").key(&token).send().await;
    assert!(users.problem(403, "forbidden").contains("`admin`"));
}

#[tokio::test]
async fn a_password_can_come_through_a_pipe() {
    let (db, server) = open(|launch| launch).await;
    let mut create = Command::new(BINARY)
        .args(["user", "create", "--username", "eve"])
        .env("DATABASE_URL", db.url())
        .env_remove("MINDFLIGHT_PASSWORD")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(create.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    let output = create.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(login(&server, "eve", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_wrong_password_reads_like_an_unknown_user() {
    let (db, server) = open(|launch| launch).await;
    user(&db, "ada", "viewer").await;
    let wrong = login(&server, "ada", "not the password at all").await;
    let unknown = login(&server, "nobody", PASSWORD).await;
    for answer in [&wrong, &unknown] {
        assert_eq!(answer.problem(401, "unauthenticated"), "the username or the password is wrong");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let incomplete = server.post("/api/login", &json!({"username": "ada"})).await;
    assert!(incomplete.problem(422, "invalid_body").contains("`password`"));
}

#[tokio::test]
async fn too_many_failures_close_the_door_also_to_the_right_password() {
    let few = |launch: Launch| launch.env("MINDFLIGHT_AUTH__SIGN_IN_FAILURES", "2");
    let (db, server) = open(few).await;
    user(&db, "ada", "viewer").await;
    user(&db, "bob", "viewer").await;
    for _ in 0..2 {
        assert_eq!(login(&server, "ada", "not the password at all").await.status, 401);
    }
    // The name rests, and so does the address, under whatever name.
    for name in ["ada", " ADA ", "bob"] {
        let refused = login(&server, name, PASSWORD).await;
        let detail = refused.problem(429, "rate_limited");
        assert_eq!(detail, "more than 2 failed sign-ins in 60 s", "{name}");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
    }
}

#[tokio::test]
async fn guesses_that_come_at_once_are_counted_like_guesses_in_a_row() {
    let (db, server) = open(|launch| launch).await;
    user(&db, "ada", "viewer").await;
    let guess = async || login(&server, "ada", "not the password at all").await.status;
    let (a, b, c, d) = tokio::join!(guess(), guess(), guess(), guess());
    let (e, f, g, h) = tokio::join!(guess(), guess(), guess(), guess());
    let (i, j, k, l) = tokio::join!(guess(), guess(), guess(), guess());
    let all = [a, b, c, d, e, f, g, h, i, j, k, l];
    assert!(all.iter().all(|status| matches!(status, 401 | 429)), "{all:?}");
    // Five are the default.
    assert!(all[..4].iter().all(|status| *status == 401), "{all:?}");
    assert!(all.contains(&429), "{all:?}");
}

#[tokio::test]
async fn a_token_ends_when_its_user_signs_out() {
    let (db, server) = open(|launch| launch).await;
    user(&db, "ada", "viewer").await;
    let (first, second) = (token(&server, "ada").await, token(&server, "ada").await);
    let out = server.call("POST", "/api/logout").key(&first).send().await;
    assert_eq!((out.status, out.text.as_str()), (204, ""));
    let _ = me(&server, &first).await.problem(401, "unauthenticated");
    assert_eq!(me(&server, &second).await.status, 200);
    let key = key(&db, "memory").await;
    let refused = server.call("POST", "/api/logout").key(&key).send().await;
    let _ = refused.problem(409, "conflict");
    assert!(refused.body["fix"].as_str().unwrap().contains("DELETE /api/keys/{id}"));
}

#[tokio::test]
async fn a_token_outlives_the_secret_that_signed_it_as_long_as_that_is_known() {
    let (db, server) = open(|launch| launch.env("SLOP_JWT_SECRET", OLD)).await;
    user(&db, "ada", "viewer").await;
    let before = token(&server, "ada").await;
    server.terminate().await.unwrap();

    let launch = || Launch::serve(BINARY, db.url()).env("SLOP_JWT_SECRET", NEW);
    let rotating = start(launch().env("SLOP_JWT_SECRET_PREVIOUS", OLD)).await;
    assert_eq!(me(&rotating, &before).await.status, 200);
    let after = token(&rotating, "ada").await;
    assert_eq!(me(&rotating, &after).await.status, 200);

    let rotated = start(launch()).await;
    let _ = me(&rotated, &before).await.problem(401, "unauthenticated");
    assert_eq!(me(&rotated, &after).await.status, 200);
}

#[tokio::test]
async fn a_secret_that_is_too_short_stops_the_start_and_is_not_shown() {
    let db = mindflight_testapp::TestDb::new().await;
    for name in ["SLOP_JWT_SECRET", "SLOP_JWT_SECRET_PREVIOUS"] {
        let launch = Launch::serve(BINARY, db.url()).env(name, "hunter2-hunter2");
        let ended = launch.start().await.err().unwrap();
        assert_ne!(ended.code, Some(0), "{}", ended.output);
        assert!(ended.output.contains("needs at least 32"), "{name}: {}", ended.output);
        assert!(!ended.output.contains("hunter2"), "{name}: {}", ended.output);
    }
}
