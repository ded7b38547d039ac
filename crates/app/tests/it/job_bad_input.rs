//! What is wrong with a request about jobs is named, with its place and with what is right.

use serde_json::{Value, json};

use crate::jobs::{enqueue, idle};
use crate::rig::{Rig, says};

/// A server is enough that runs nothing.
async fn rig() -> Rig {
    Rig::with(idle).await
}

/// A job with other members.
fn with(members: Value) -> Value {
    let mut job = json!({"kind": "demo.sleep", "args": {"ms": 0}});
    job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    job
}

const BODY: (u16, &str) = (422, "invalid_body");

#[tokio::test]
async fn each_member_of_a_job_has_its_bounds() {
    let rig = rig().await;
    for (members, pointer, text) in [
        (json!({"kind": 7}), "/kind", "`kind` must be a string such as \"demo.sleep\"; got 7"),
        (json!({"kind": null}), "/kind", "`kind` is missing"),
        (json!({"priority": 10}), "/priority", "from 0 to 9; got 10"),
        (json!({"priority": -1}), "/priority", "from 0 to 9; got -1"),
        (json!({"priority": "high"}), "/priority", "from 0 to 9; got \"high\""),
        (json!({"max_attempts": 0}), "/max_attempts", "from 1 to 1000; got 0"),
        (json!({"max_attempts": 1001}), "/max_attempts", "from 1 to 1000; got 1001"),
        (json!({"delay": -1}), "/delay", "seconds from 0 on"),
        (json!({"delay": "soon"}), "/delay", "a text such as \"5m\""),
        (json!({"delay": "-5m"}), "/delay", "a text such as \"5m\""),
        (json!({"delay": "4000d"}), "/delay", "at most 10 years"),
        (json!({"run_at": "tomorrow"}), "/run_at", "a time such as"),
        (json!({"run_at": 5}), "/run_at", "a time such as"),
        (json!({"run_at": "2100-01-01T00:00:00Z", "delay": 1}), "/run_at", "leave one out"),
        (json!({"unique_key": "x".repeat(201)}), "/unique_key", "1 to 200 characters"),
        (json!({"unique_key": ""}), "/unique_key", "1 to 200 characters"),
        (json!({"queue": "Mail"}), "/queue", "a-z"),
        (json!({"queue": "x".repeat(101)}), "/queue", "1 to 100 characters"),
        (json!({"tags": vec!["t"; 11]}), "/tags", "at most 10 strings"),
        (json!({"tags": "t"}), "/tags", "at most 10 strings"),
        (json!({"tags": ["ok", 7]}), "/tags/1", "got 7"),
        (json!({"tags": ["ok", "x".repeat(101)]}), "/tags/1", "1 to 100 characters"),
    ] {
        let answer = enqueue(&rig.server, &with(members)).await;
        says(&answer, BODY, pointer, text);
    }
    // All of them at once.
    let answer = enqueue(&rig.server, &with(json!({"priority": 10, "delay": -1, "tags": 3}))).await;
    assert!(answer.problem(422, "invalid_body").contains("and 2 more"), "{}", answer.text);
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn kinds_and_arguments_that_are_not_there_name_what_is_near() {
    let rig = rig().await;
    let kind = (422, "unknown_kind");
    let near = enqueue(&rig.server, &json!({"kind": "demo.slep"})).await;
    says(&near, kind, "/kind", "near kinds: demo.sleep");
    assert_eq!(near.body["errors"][0]["allowed"][0], "demo.sleep");
    assert_eq!(near.body["fix"], "Send the kind `demo.sleep`.");
    let tool = enqueue(&rig.server, &json!({"kind": "demo_sleep"})).await;
    says(&tool, kind, "/kind", "demo_sleep");
    let far = enqueue(&rig.server, &json!({"kind": "weather"})).await;
    says(&far, kind, "/kind", "a kind is `provider.kind`");
    let args = (422, "invalid_arguments");
    for (given, pointer, text) in [
        (json!({}), "/args/ms", "`ms` is missing"),
        (json!({"ms": "long"}), "/args/ms", "got the string \"long\""),
        (json!({"ms": 4_000_000}), "/args/ms", "3600000"),
    ] {
        let answer = enqueue(&rig.server, &json!({"kind": "demo.sleep", "args": given})).await;
        says(&answer, args, pointer, text);
    }
    let whole = enqueue(&rig.server, &json!({"kind": "demo.sleep", "args": [5]})).await;
    says(&whole, args, "/args", "got an array");
    let second = enqueue(&rig.server, &json!([with(json!({})), {"kind": "demo.sleep"}])).await;
    says(&second, args, "/1/args/ms", "`ms` is missing");
}

#[tokio::test]
async fn bodies_that_are_no_jobs_are_refused_as_a_whole() {
    let rig = rig().await;
    let unknown = enqueue(&rig.server, &with(json!({"prority": 1}))).await;
    says(&unknown, (400, "invalid_request"), "/prority", "did you mean `priority`?");
    let nul = enqueue(&rig.server, &with(json!({"tags": ["a\0b"]}))).await;
    says(&nul, (400, "invalid_request"), "/tags/0", "NUL");
    let nul = enqueue(&rig.server, &json!({"kind": "demo.count", "args": {"key": "\0"}})).await;
    says(&nul, (400, "invalid_request"), "/args/key", "NUL");
    says(&enqueue(&rig.server, &json!([])).await, BODY, "", "1 to 1000 jobs; got 0");
    let many = vec![with(json!({})); 1001];
    says(&enqueue(&rig.server, &json!(many)).await, (413, "too_large"), "", "got 1001");
    for (body, got) in [(json!(7), ""), (json!("demo.sleep"), ""), (json!([7]), "/0")] {
        says(&enqueue(&rig.server, &body).await, BODY, got, "must be a JSON object with a `kind`");
    }
    let large = json!({"kind": "demo.count", "args": {"key": "x".repeat(256 * 1024)}});
    says(&enqueue(&rig.server, &large).await, (413, "too_large"), "/args", "allowed are 262144");
    for (body, text) in [("{\"kind\":", "not JSON"), ("", ""), ("{\"kind\":\"\\ud800\"}", "")] {
        let answer = rig.server.call("POST", "/api/jobs").bytes(body).send().await;
        assert!(answer.problem(400, "invalid_json").contains(text), "{body}: {}", answer.text);
    }
    let list = rig.server.get("/api/jobs").await.ok();
    assert_eq!(list["items"], json!([]), "nothing of all this was made");
}

#[tokio::test]
async fn ids_filters_cursors_and_waits_are_checked() {
    let rig = rig().await;
    let nobody = "018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11";
    for (method, path) in [
        ("GET", "/api/jobs/7"),
        ("DELETE", "/api/jobs/7"),
        ("GET", "/api/jobs/7/logs"),
        ("POST", "/api/jobs/7/cancel"),
        ("POST", "/api/jobs/7/retry"),
        ("GET", "/api/schedules/7"),
        ("POST", "/api/schedules/7/run"),
    ] {
        let answer = rig.server.call(method, path).send().await;
        assert!(answer.problem(400, "invalid_id").contains('7'), "{method} {path}");
        let answer = rig.server.call(method, &path.replace('7', nobody)).send().await;
        assert!(answer.problem(404, "not_found").contains(nobody), "{method} {path}");
    }
    for (query, text) in [
        ("state=faild", "did you mean `failed`?"),
        ("state=", "no state"),
        ("sate=failed", "did you mean `state`?"),
        ("since=yesterday", "`since` must be a time such as"),
        ("until=1", "`until`"),
        ("args.=1", "names no argument"),
        ("args.a=1&args.b=2", "one argument"),
        ("limit=0", "1 to 500"),
        ("limit=501", "1 to 500"),
        ("state=failed&state=running", "stands twice"),
    ] {
        let answer = rig.server.get(&format!("/api/jobs?{query}")).await;
        assert!(answer.problem(400, "invalid_query").contains(text), "{query}: {}", answer.text);
    }
    let cursor = rig.server.get("/api/jobs?cursor=7").await;
    assert!(cursor.problem(400, "invalid_cursor").contains("`cursor`"));
    for wait in ["0", "61", "-1", "20s", ""] {
        let answer = rig.server.get(&format!("/api/jobs/{nobody}?wait={wait}")).await;
        assert!(answer.problem(400, "invalid_query").contains("from 1 to 60"), "{}", answer.text);
    }
}

#[tokio::test]
async fn bulk_actions_and_pauses_that_make_no_sense_are_refused() {
    let rig = rig().await;
    for (body, status, code, text) in [
        (json!({"action": "cancel", "filter": {}}), 422, "invalid_body", "at least one member"),
        (json!({"action": "cancel"}), 422, "invalid_body", "filter"),
        (json!({"action": "stop", "filter": {"kind": "k"}}), 422, "invalid_body", "action"),
        (json!({"action": "cancel", "filter": {"knd": "k"}}), 400, "invalid_request", "kind"),
        (json!({"action": "cancel", "filter": {"state": ["faild"]}}), 422, "invalid_body", "state"),
    ] {
        let answer = rig.server.post("/api/jobs/bulk", &body).await;
        assert!(answer.problem(status, code).contains(text), "{body}: {}", answer.text);
    }
    // Paused or not, the queue has to be there.
    assert_eq!(enqueue(&rig.server, &with(json!({}))).await.status, 201);
    let pause = async |body: Value| rig.server.post("/api/queues/demo/pause", &body).await;
    let long = pause(json!({"reason": "x".repeat(501)})).await;
    says(&long, BODY, "/reason", "at most 500 characters");
    says(&pause(json!({"reason": "a\nb"})).await, BODY, "/reason", "control characters");
    let unknown = pause(json!({"why": "x"})).await;
    assert!(unknown.problem(400, "invalid_request").contains("why"), "{}", unknown.text);
}
