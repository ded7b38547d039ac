//! How much one caller may ask for, and how it is told.

use mindflight_testapp::{Answer, Launch};
use serde_json::json;

use crate::rig::{BINARY, Rig, command};

/// Three requests and one new key a minute.
async fn limited() -> Rig {
    Rig::with(|launch: Launch| {
        launch
            .env("MINDFLIGHT_LIMITS__ENABLED", "true")
            .env("MINDFLIGHT_LIMITS__REQUESTS_PER_MINUTE", "3")
            .env("MINDFLIGHT_LIMITS__KEY_CREATIONS_PER_MINUTE", "1")
    })
    .await
}

/// The number after `name=` in a header.
fn part(answer: &Answer, header: &str, name: &str) -> u64 {
    let value = answer.header(header);
    let found =
        value.split([';', ',']).find_map(|part| part.trim().strip_prefix(&format!("{name}=")));
    found
        .and_then(|found| found.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {header}: {value}"))
}

fn check_refused(answer: &Answer, detail: &str) {
    assert_eq!(answer.problem(429, "rate_limited"), detail);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(answer.body["retry_after_ms"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_caller_sees_its_quota_go_down_and_then_has_to_wait() {
    let rig = limited().await;
    for left in [2, 1, 0] {
        let answer = rig.server.get("/api/me").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=3;w=60");
        assert_eq!(part(&answer, "ratelimit", "r"), left);
        assert!((1..=60).contains(&part(&answer, "ratelimit", "t")));
    }
    let refused = rig.server.tool("demo_count", json!({"key": "k"})).await;
    check_refused(&refused, "more than 3 requests in 60 s");
    assert_eq!(part(&refused, "ratelimit", "r"), 0);
    assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=3;w=60");
    // Another caller has a quota of its own.
    let other = rig.key("tools:call").await;
    let call = rig.server.call("POST", "/api/tools/demo_count").key(&other);
    assert_eq!(call.json(&json!({"key": "k"})).send().await.ok(), json!({"count": 1}));
}

#[tokio::test]
async fn reading_what_is_there_does_not_count() {
    let rig = limited().await;
    for _ in 0..2 {
        for path in [
            "/api/tools",
            "/api/tools/demo_add",
            "/api/providers",
            "/health",
            "/health/liveness",
            "/metrics",
            "/openapi.json",
            "/tools",
            "/info",
        ] {
            let answer = rig.server.get(path).await;
            assert_eq!(
                (answer.status, answer.header("ratelimit")),
                (200, ""),
                "{path}: {}",
                answer.text
            );
        }
    }
    assert_eq!(part(&rig.server.get("/api/me").await, "ratelimit", "r"), 2);
}

#[tokio::test]
async fn a_key_may_have_a_rate_of_its_own() {
    let rig = limited().await;
    let create =
        command(&["key", "create", "--name", "fast", "--scopes", "tools:call", "--rate", "50"]);
    let fast = create.env("DATABASE_URL", rig.db.url()).stdout().await.unwrap();
    for left in (44..50).rev() {
        let answer = rig.server.call("GET", "/api/me").key(&fast).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=50;w=60");
        // A slow machine may have got one back meanwhile.
        assert!(part(&answer, "ratelimit", "r") >= left);
    }
}

#[tokio::test]
async fn who_cannot_say_who_it_is_is_counted_by_address() {
    let rig = limited().await;
    for guess in ["a", "b", "c"] {
        let answer = rig.server.call("GET", "/api/me").key(guess).send().await;
        let _ = answer.problem(401, "unauthenticated");
    }
    let refused = rig.server.call("GET", "/api/me").key("d").send().await;
    check_refused(&refused, "more than 3 requests in 60 s");
    // Whoever has a key is not held up by guesses from the same address.
    assert_eq!(rig.server.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn new_keys_have_a_limit_of_their_own() {
    let rig = limited().await;
    let body = json!({"name": "k", "scopes": ["memory"]});
    let made = rig.server.post("/api/keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.header("ratelimit-policy"), "\"default\";q=3;w=60, \"key-creation\";q=1;w=60");
    let refused = rig.server.post("/api/keys", &body).await;
    check_refused(&refused, "more than 1 new keys in 60 s");
    assert_eq!(rig.server.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn routes_of_providers_count_and_limits_can_be_switched_off() {
    let rig = limited().await;
    for _ in 0..3 {
        assert_eq!(rig.server.get("/providers/demo/hello").await.status, 200);
    }
    check_refused(&rig.server.get("/providers/demo/hello").await, "more than 3 requests in 60 s");
    let off =
        Launch::serve(BINARY, rig.db.url()).env("MINDFLIGHT_LIMITS__REQUESTS_PER_MINUTE", "1");
    let off = crate::rig::start(off).await.with_key(&rig.key("admin").await);
    for _ in 0..3 {
        let answer = off.get("/providers/demo/hello").await;
        assert_eq!((answer.status, answer.header("ratelimit")), (200, ""));
    }
}
