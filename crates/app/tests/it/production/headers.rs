//! The headers of every answer, and what errors must not tell.

use mindflight_testapp::{Answer, Launch};

use crate::rig::Rig;

const ALWAYS: [(&str, &str); 5] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "1; mode=block"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("api-version", "1"),
];

fn check(what: &str, answer: &Answer, hsts: &str) {
    for (name, value) in ALWAYS {
        assert_eq!(answer.header(name), value, "{what}: {name} of {answer:?}");
    }
    assert_eq!(answer.header("strict-transport-security"), hsts, "{what}");
    assert_eq!(answer.header("x-request-id").len(), 36, "{what}: {answer:?}");
}

/// A header that says nothing here.
const PLAIN: (&str, &str) = ("x-nothing", "1");

/// Method, path, one header, body, and the status of the answer.
type Kind = (&'static str, &'static str, (&'static str, &'static str), &'static str, u16);

const KINDS: [Kind; 16] = [
    ("GET", "/api/me", PLAIN, "", 200),
    ("HEAD", "/api/me", PLAIN, "", 200),
    ("GET", "/health/liveness", PLAIN, "", 200),
    ("GET", "/metrics", PLAIN, "", 200),
    ("GET", "/info", PLAIN, "", 200),
    ("GET", "/providers/demo/hello", PLAIN, "", 200),
    ("POST", "/api/tools/demo_add", PLAIN, "{", 400),
    ("GET", "/api/me", ("authorization", "Bearer nobody"), "", 401),
    ("GET", "/nothing", PLAIN, "", 404),
    ("GET", "/providers/demo/nothing", PLAIN, "", 404),
    ("GET", "/providers/nobody/hello", PLAIN, "", 404),
    ("PATCH", "/api/me", PLAIN, "", 405),
    ("GET", "/api/me", ("accept", "application/json; version=9"), "", 406),
    ("POST", "/api/tools/demo_add", PLAIN, "{}", 422),
    ("POST", "/api/tools/demo_panic", PLAIN, "{}", 500),
    ("GET", "/api/me", ("idempotency-key", "k"), "", 501),
];

/// Every kind of answer, each with its request.
async fn every_kind(rig: &Rig) -> Vec<(String, Answer)> {
    let server = &rig.server;
    let mut answers = Vec::new();
    for (method, path, (name, value), body, status) in KINDS {
        let call = server.call(method, path).header(name, value);
        let answer = call.bytes(body).send().await;
        let what = format!("{method} {path} {name}: {value}");
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        answers.push((what, answer));
    }
    let first = server.get("/api/tools").await;
    let again = server.call("GET", "/api/tools").header("if-none-match", first.header("etag"));
    let narrow = rig.key("memory").await;
    let large = vec![b' '; 2 * 1024 * 1024];
    for (status, call) in [
        (304, again),
        (403, server.call("GET", "/api/users").key(&narrow)),
        (413, server.call("POST", "/api/tools/demo_add").bytes(large)),
        (414, server.call("GET", &format!("/{}", "x".repeat(3000)))),
    ] {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{}", answer.text);
        answers.push((status.to_string(), answer));
    }
    answers
}

#[tokio::test]
async fn every_answer_has_its_headers_whatever_it_is() {
    let rig = Rig::new().await;
    let mut ids = Vec::new();
    for (what, answer) in every_kind(&rig).await {
        check(&what, &answer, "max-age=31536000");
        ids.push(answer.header("x-request-id").to_owned());
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "each request has an id of its own");
}

#[tokio::test]
async fn browsers_are_bound_to_https_only_in_production() {
    for (environment, hsts) in
        [("staging", ""), ("development", ""), ("production", "max-age=31536000")]
    {
        let rig =
            Rig::with(|launch: Launch| launch.env("MINDFLIGHT_ENVIRONMENT", environment)).await;
        check(environment, &rig.server.get("/api/me").await, hsts);
        check(environment, &rig.server.get("/nothing").await, hsts);
    }
}

#[tokio::test]
async fn an_id_that_a_client_makes_up_is_not_taken_over() {
    let rig = Rig::new().await;
    let answer = rig.server.call("GET", "/api/me").header("x-request-id", "made up").send().await;
    check("made up", &answer, "max-age=31536000");
    assert_ne!(answer.header("x-request-id"), "made up");
}

#[tokio::test]
async fn no_error_tells_what_the_server_is_made_of() {
    let rig = Rig::new().await;
    for (what, answer) in every_kind(&rig).await {
        if answer.status < 400 {
            continue;
        }
        for inside in [
            ".rs",
            "panicked at",
            "actix",
            "sqlx",
            "serde",
            "postgres",
            "stack",
            "/root",
            rig.db.name(),
        ] {
            assert!(!answer.text.contains(inside), "{what} has `{inside}`: {}", answer.text);
        }
    }
}
