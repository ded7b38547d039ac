//! Tool calls whose callers would rather not wait: `Prefer` makes them jobs.

use mindflight_testapp::{Answer, Instance};
use serde_json::{Value, json};

use super::{acted, counted, ended, ends, job, rig, text};

async fn prefer(server: &Instance, what: &str, tool: &str, arguments: Value) -> Answer {
    let call = server.call("POST", &format!("/api/tools/{tool}"));
    call.header("prefer", what).json(&arguments).send().await
}

#[tokio::test]
async fn a_call_that_need_not_be_answered_becomes_a_job_with_the_tools_result() {
    let rig = rig().await;
    let answer = prefer(&rig.server, "respond-async", "demo_count", json!({"key": "k"})).await;
    assert_eq!(
        (answer.status, answer.header("preference-applied")),
        (202, "respond-async"),
        "{}",
        answer.text
    );
    let made = &answer.body["job"];
    assert_eq!((&made["kind"], &made["provider"]), (&json!("demo_count"), &json!("demo")));
    let id = text(&made["id"]);
    assert_eq!(answer.header("location"), format!("/api/jobs/{id}"));
    let job = ended(&rig.server, id).await;
    assert_eq!((&job["state"], &job["result"]), (&json!("succeeded"), &json!({"count": 1})));
    assert_eq!(counted(&rig.server, "k").await, 1);
}

#[tokio::test]
async fn a_call_that_ends_in_time_is_answered_with_its_result_and_one_that_does_not_with_its_job() {
    let rig = rig().await;
    let quick = prefer(&rig.server, "wait=5", "demo_add", json!({"a": 2, "b": 3})).await;
    assert_eq!(quick.header("location"), "");
    assert_eq!((quick.status, &quick.body), (200, &json!({"sum": 5})), "{}", quick.text);
    let both =
        prefer(&rig.server, "respond-async, wait=5", "demo_add", json!({"a": 2, "b": 3})).await;
    assert_eq!(both.ok(), json!({"sum": 5}));
    let slow = prefer(&rig.server, "wait=1", "demo_sleep", json!({"ms": 20_000})).await;
    assert_eq!(slow.status, 202, "{}", slow.text);
    let id = text(&slow.body["job"]["id"]);
    assert_eq!(job(&rig.server, id).await["state"], "running");
    acted(&rig.server, id, "cancel").await;
    assert_eq!(ends(&ended(&rig.server, id).await), ["cancelled"]);
}

#[tokio::test]
async fn a_tools_own_error_is_the_same_with_and_without_a_preference() {
    let rig = rig().await;
    for (tool, arguments) in [
        ("demo_fail", json!({"code": "not_found", "message": "no such city"})),
        ("demo_fail", json!({"code": "invalid_arguments", "message": "no such unit"})),
        ("demo_add", json!({"a": 1})),
        ("demo_ad", json!({"a": 1, "b": 2})),
        ("demo_calculator", json!({"expression": "1 / 0"})),
    ] {
        let direct = rig.server.tool(tool, arguments.clone()).await;
        let preferred = prefer(&rig.server, "wait=20", tool, arguments.clone()).await;
        let told = |answer: &Answer| {
            let part = |name: &str| answer.body[name].clone();
            (answer.status, ["code", "detail", "fault", "retry", "fix"].map(part))
        };
        assert!(direct.status >= 400, "{tool} {arguments}");
        assert_eq!(told(&preferred), told(&direct), "{tool} {arguments}");
    }
}

#[tokio::test]
async fn a_tools_own_code_is_kept_and_a_crash_is_the_jobs() {
    let rig = rig().await;
    let own = json!({"code": "weather.city_not_found", "message": "no such city"});
    let direct = rig.server.tool("demo_fail", own.clone()).await;
    let preferred = prefer(&rig.server, "wait=20", "demo_fail", own).await;
    let _ = direct.problem(500, "weather.city_not_found");
    assert_eq!(preferred.problem(500, "weather.city_not_found"), "no such city");
    let crashed = prefer(&rig.server, "wait=20", "demo_panic", json!({})).await;
    assert!(crashed.problem(500, "job_panicked").contains("`demo_panic` crashed"));
}

#[tokio::test]
async fn preferences_that_make_no_sense_are_refused_and_others_are_ignored() {
    let rig = rig().await;
    let wrong = prefer(&rig.server, "wait=soon", "demo_add", json!({"a": 1, "b": 1})).await;
    assert!(wrong.problem(400, "invalid_request").contains("`Prefer: wait`"));
    let other = prefer(&rig.server, "handling=lenient", "demo_add", json!({"a": 1, "b": 1})).await;
    assert_eq!(other.ok(), json!({"sum": 2}));
    let large = json!({"text": "x".repeat(300 * 1024)});
    let large = prefer(&rig.server, "respond-async", "echo_say", large).await;
    assert!(large.status == 413 || large.status == 422, "{}", large.text);
}
