//! One line for each request, for machines to read, and no secret in any of them.

use mindflight_testapp::{Answer, Instance, Launch};
use serde_json::{Value, json};

use crate::access::{PASSWORD, login, make_key, token, user};
use crate::rig::Rig;

/// The line that the server wrote about a request.
async fn line(server: &Instance, of: &Answer) -> Value {
    let id = of.header("x-request-id");
    let about = |line: &Value| line["target"] == "mindflight::request" && line["request_id"] == id;
    // Written as the answer goes out; read from a pipe a moment later.
    server.wait_for_log(&format!("\"request_id\":\"{id}\",\"method\"")).await;
    let lines: Vec<Value> = lines(&server.log()).filter(about).collect();
    let [line] = lines.as_slice() else { panic!("{} lines: {lines:?}", lines.len()) };
    line.clone()
}

fn lines(log: &str) -> impl Iterator<Item = Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok())
}

#[tokio::test]
async fn each_request_is_one_line_of_json() {
    let rig =
        Rig::with(|launch: Launch| launch.env("LOG_FORMAT", "json").env("FLY_REGION", "ams")).await;
    let me = rig.server.get("/api/me").await;
    let found = line(&rig.server, &me).await;
    for (member, expected) in [
        ("level", json!("info")),
        ("method", json!("GET")),
        ("path", json!("/api/me")),
        ("status", json!(200)),
        ("ip", json!("127.0.0.1")),
        ("region", json!("ams")),
        ("key_id", me.body["key_id"].clone()),
        ("user_id", json!(null)),
    ] {
        assert_eq!(found[member], expected, "{member} in {found}");
    }
    assert!(found["duration_ms"].as_f64().is_some_and(|took| took > 0.0), "{found}");
    for member in ["time", "instance"] {
        assert!(found[member].is_string(), "{member} in {found}");
    }

    let id = user(&rig.db, "ada", "viewer").await;
    let token = token(&rig.server, "ada").await;
    let refused = rig.server.call("GET", "/api/users?limit=7").key(&token).send().await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let found = line(&rig.server, &refused).await;
    // The query may hold what is nobody's business.
    assert_eq!((&found["path"], &found["status"]), (&json!("/api/users"), &json!(403)));
    assert_eq!((&found["user_id"], &found["key_id"]), (&json!(id), &json!(null)));

    let unknown = rig.server.call("GET", "/nothing\"}%0a{").key("nobody").send().await;
    let found = line(&rig.server, &unknown).await;
    assert_eq!((&found["status"], &found["key_id"]), (&json!(404), &json!(null)));
    // Whatever a caller sends, a line stays a line.
    let log = rig.server.log();
    let from_server = log.lines().filter(|line| !line.starts_with("listening on"));
    for text in from_server {
        assert!(serde_json::from_str::<Value>(text).is_ok_and(|line| line.is_object()), "{text}");
    }
}

#[tokio::test]
async fn routes_of_providers_are_logged_with_their_caller() {
    let rig = Rig::with(|launch: Launch| launch.env("LOG_FORMAT", "json")).await;
    let me = rig.server.get("/api/me").await.ok();
    let hello = rig.server.get("/providers/demo/hello").await;
    let found = line(&rig.server, &hello).await;
    assert_eq!(
        (&found["path"], &found["key_id"]),
        (&json!("/providers/demo/hello"), &me["key_id"])
    );
}

#[tokio::test]
async fn a_crash_is_logged_with_its_place_and_its_request() {
    let rig = Rig::with(|launch: Launch| launch.env("LOG_FORMAT", "json")).await;
    let crashed = rig.server.tool("demo_panic", json!({})).await;
    let found = line(&rig.server, &crashed).await;
    assert_eq!(found["status"], 500);
    let log = rig.server.log();
    let panic = lines(&log).find(|line| line["target"] == "mindflight::panic");
    assert!(panic.is_some_and(|line| line["location"].as_str().unwrap().contains(".rs:")), "{log}");
}

#[tokio::test]
async fn no_secret_is_in_the_log_however_much_is_logged() {
    let rig =
        Rig::with(|launch: Launch| launch.env("LOG_FORMAT", "json").env("LOG_LEVEL", "trace"))
            .await;
    user(&rig.db, "ada", "admin").await;
    let wrong = "hunter2 hunter2 hunter2";
    assert_eq!(login(&rig.server, "ada", wrong).await.status, 401);
    let token = token(&rig.server, "ada").await;
    let made = make_key(&rig.server, &token, &json!({"name": "k", "scopes": ["tools:call"]})).await;
    let key = made.body["key"].as_str().unwrap().to_owned();
    let secret = "the argument of a call";
    let call =
        rig.server.call("POST", "/api/tools/echo_say").key(&key).json(&json!({"text": secret}));
    assert_eq!(call.send().await.status, 200);
    let broken = format!("{key}x");
    let _ =
        rig.server.call("GET", "/api/me").key(&broken).send().await.problem(401, "unauthenticated");
    let new = json!({"username": "bob", "password": "sesame sesame sesame"});
    let bob = rig.server.call("POST", "/api/users").key(&token).json(&new).send().await;
    assert_eq!(bob.status, 201, "{}", bob.text);
    line(&rig.server, &bob).await;
    let log = rig.server.log();
    let signature = token.rsplit_once('.').unwrap().1;
    // The middle of a key is its secret; its start is shown to recognise it by.
    let middle = key.split('_').nth(2).unwrap();
    let secrets = [
        PASSWORD,
        wrong,
        secret,
        "sesame",
        signature,
        middle,
        "a-secret-for-tests-only",
        "$argon2id$",
    ];
    for secret in secrets {
        let found = log.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "`{secret}` is in the log: {found:?}");
    }
}
