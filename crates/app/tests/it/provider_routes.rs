//! Providers' own routes and incoming webhooks, served by a third party's binary.

use bytes::Bytes;
use mindflight_core::routes::Scheme;
use mindflight_testapp::{Answer, Instance, Launch, TestDb};
use serde_json::json;

use crate::rig::{Rig, faulty, key, start};

const HOOK: &[u8] = br#"{"event": "paid",  "amount": 12.50}"#;

/// A server of the faulty binary. The server ends before its database is dropped.
struct Third {
    server: Instance,
    db: TestDb,
}

impl Third {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let key = key(&db, "admin").await;
        // What never gets built is not waited for.
        let launch =
            Launch::serve(&faulty(), db.url()).env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms");
        let server = start(launch).await.with_key(&key);
        Self { server, db }
    }

    /// Sends `body` to a webhook, with this as its signature.
    async fn hook(&self, path: &str, body: &[u8], signature: Option<&str>) -> Answer {
        let call = self.server.call("POST", path).key("nobody").bytes(body);
        match signature {
            Some(signature) => call.header("X-Signature", signature).send().await,
            None => call.send().await,
        }
    }
}

/// As the sender signs.
fn signature(secret: &str, body: &'static [u8]) -> String {
    let mut request = http::Request::new(Bytes::from_static(body));
    let scheme = Scheme::HexHmac("X-Signature".to_owned());
    mindflight_signatures::sign(&scheme, secret, &mut request, "1", chrono::DateTime::UNIX_EPOCH)
        .unwrap();
    request.headers()["x-signature"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_route_gets_its_parameters_its_query_and_its_body() {
    let third = Third::new().await;
    let item = third.server.get("/providers/good/items/a%20b?sort=up").await;
    assert_eq!(item.header("content-type"), "application/json");
    assert_eq!(item.ok(), json!({"parameters": {"id": "a b"}, "query": "sort=up"}));
    let posted = third.server.call("POST", "/providers/good/items").bytes("12345").send().await;
    assert_eq!(posted.ok()["bytes"], 5);
}

#[tokio::test]
async fn credentials_and_scopes_are_asked_for_before_the_route_runs() {
    let third = Third::new().await;
    let without = third.server.call("GET", "/providers/good/items/1").key("nobody").send().await;
    let _ = without.problem(401, "unauthenticated");
    assert!(!without.header("www-authenticate").is_empty());
    let narrow = key(&third.db, "tools:call").await;
    let refused =
        third.server.call("POST", "/providers/good/items").key(&narrow).bytes("x").send().await;
    assert!(refused.problem(403, "forbidden").contains("`memory`"));
    // A route without a scope is for every key.
    assert_eq!(
        third.server.call("GET", "/providers/good/items/1").key(&narrow).send().await.status,
        200
    );
    let enough = key(&third.db, "memory").await;
    let posted =
        third.server.call("POST", "/providers/good/items").key(&enough).bytes("x").send().await;
    assert_eq!(posted.ok(), json!({"bytes": 1, "caller": "test"}));
    let open = third.server.call("GET", "/providers/good/public").key("nobody").send().await;
    assert_eq!((open.status, open.text.as_str()), (200, "for everyone"));
}

#[tokio::test]
async fn a_stream_arrives_whole_and_one_that_breaks_is_cut() {
    let third = Third::new().await;
    let whole = third.server.get("/providers/good/stream").await;
    assert_eq!((whole.status, whole.text.as_str()), (200, "one two three"));
    // Its end is missing, so no client takes it for complete.
    assert!(third.server.call("GET", "/providers/good/broken").try_send().await.is_err());
    assert_eq!(third.server.get("/providers/good/stream").await.text, "one two three");
}

#[tokio::test]
async fn a_crash_is_one_requests_failure() {
    let third = Third::new().await;
    for _ in 0..10 {
        let crashed = third.server.get("/providers/good/panic").await;
        assert_eq!(crashed.status, 500, "{}", crashed.text);
        assert!(!crashed.text.contains("a route with a bug"), "{}", crashed.text);
        assert_eq!(third.server.get("/providers/good/public").await.status, 200);
    }
}

#[tokio::test]
async fn unknown_paths_methods_and_providers_are_named() {
    let third = Third::new().await;
    let path = third.server.get("/providers/good/itms").await;
    assert!(path.problem(404, "not_found").contains("`/itms`"));
    let provider = third.server.get("/providers/goood/public").await;
    assert!(provider.problem(404, "not_found").contains("`goood`"));
    let off = third.server.get("/providers/fails/x").await;
    assert!(off.problem(503, "provider_unavailable").contains("closed on Saturdays"));
    assert!(!off.header("retry-after").is_empty());
    for (method, path, allowed) in [
        ("DELETE", "/providers/good/items/1", "GET"),
        ("GET", "/providers/good/items", "POST"),
        ("GET", "/webhooks/good/hook", "POST"),
    ] {
        let answer = third.server.call(method, path).send().await;
        assert!(
            answer
                .problem(405, "method_not_allowed")
                .contains(&format!("takes {allowed}; got {method}"))
        );
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let third = Third::new().await;
    let get = third.server.get("/providers/good/public").await;
    let head = third.server.call("HEAD", "/providers/good/public").send().await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    for header in ["content-type", "content-length"] {
        assert_eq!(head.header(header), get.header(header));
    }
    assert_eq!(third.server.call("HEAD", "/providers/good/stream").send().await.status, 200);
    assert_eq!(third.server.call("HEAD", "/providers/good/hook").send().await.status, 405);
}

#[tokio::test]
async fn a_webhook_is_taken_only_if_it_is_signed() {
    let third = Third::new().await;
    let right = signature("shared", HOOK);
    for path in ["/webhooks/good/hook", "/providers/good/hook"] {
        let taken = third.hook(path, HOOK, Some(&right)).await;
        assert_eq!(taken.ok(), json!({"bytes": HOOK.len(), "caller": "public"}));
        let unsigned = third.hook(path, HOOK, None).await;
        assert!(
            unsigned.problem(401, "unauthenticated").contains("`X-Signature` is missing"),
            "{}",
            unsigned.text
        );
        let other = third.hook(path, HOOK, Some(&signature("guessed", HOOK))).await;
        assert!(other.problem(401, "unauthenticated").contains("does not fit"));
        let altered =
            third.hook(path, br#"{"event": "paid",  "amount": 99.50}"#, Some(&right)).await;
        assert!(altered.problem(401, "unauthenticated").contains("does not fit"));
        let nonsense = third.hook(path, HOOK, Some("sha256=xyz")).await;
        let _ = nonsense.problem(401, "unauthenticated");
        // A key does not stand in for a signature.
        let _ = third
            .server
            .call("POST", path)
            .bytes(HOOK)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    for path in ["/webhooks/good/items", "/webhooks/good/public", "/webhooks/good/nothing"] {
        let _ = third.hook(path, HOOK, Some(&right)).await.problem(404, "not_found");
    }
    let _ = third.hook("/webhooks/goood/hook", HOOK, Some(&right)).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_route_takes_as_much_as_it_declares() {
    let third = Third::new().await;
    let post = async |path: &str, bytes: usize| {
        third.server.call("POST", path).bytes(vec![b'x'; bytes]).send().await
    };
    let (usual, declared) = (1024 * 1024, 2 * 1024 * 1024);
    assert_eq!(post("/providers/good/items", usual).await.ok()["bytes"], usual);
    let large = post("/providers/good/items", usual + 1).await;
    assert!(large.problem(413, "too_large").contains("1048576"));
    assert_eq!(post("/providers/good/big", declared).await.ok()["bytes"], declared);
    let large = post("/providers/good/big", declared + 1).await;
    assert!(large.problem(413, "too_large").contains("2097152"));
    let hook = third.hook("/webhooks/good/hook", &vec![b'x'; usual + 1], Some("00")).await;
    let _ = hook.problem(413, "too_large");
}

#[tokio::test]
async fn answers_of_routes_carry_the_same_headers_as_all() {
    let third = Third::new().await;
    for path in [
        "/providers/good/public",
        "/providers/good/stream",
        "/providers/good/panic",
        "/providers/good/itms",
    ] {
        let answer = third.server.get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("x-xss-protection", "1; mode=block"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("strict-transport-security", "max-age=31536000"),
            ("api-version", "1"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{name} of {path}");
        }
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
    }
}

#[tokio::test]
async fn the_demo_says_hello() {
    let rig = Rig::new().await;
    let hello = rig.server.get("/providers/demo/hello").await;
    assert_eq!(hello.ok(), json!({"message": "hello from demo"}));
    let _ = rig.server.get("/webhooks/demo/hello").await.problem(404, "not_found");
    let nobody = rig.server.call("GET", "/providers/demo/hello").key("nobody").send().await;
    let _ = nobody.problem(401, "unauthenticated");
}
