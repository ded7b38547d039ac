//! Attempts that fail, and what follows.

use serde_json::json;

use super::{act, ended, ends, job, made, once, reason, rig, text};

#[tokio::test]
async fn a_job_that_fails_for_a_while_is_tried_again_until_it_works() {
    let rig = rig().await;
    let flaky = json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 2}});
    let id = made(&rig.server, &flaky).await;
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(3)), "{job}");
    assert_eq!(ends(&job), ["failed", "failed", "succeeded"]);
    assert_eq!(job["attempts"][0]["error"]["code"], "demo.flaky");
    assert_eq!(job["result"], json!({"attempts": 3}));
}

#[tokio::test]
async fn a_job_that_has_no_attempt_left_has_failed_and_can_be_retried_by_hand() {
    let rig = rig().await;
    let flaky = json!({
        "kind": "demo.flaky", "args": {"key": "f", "fail_times": 2}, "max_attempts": 2,
    });
    let id = made(&rig.server, &flaky).await;
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(2)), "{job}");
    assert!(reason(&job).starts_with("failed after 2 attempts (demo.flaky): failure 2"), "{job}");
    assert_eq!(job["error"]["code"], "demo.flaky");
    assert_eq!(job["actions"], json!(["retry", "delete"]));
    let again = act(&rig.server, &id, "retry").await;
    assert_eq!(again.status, 200, "{}", again.text);
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("succeeded"), &json!(3)), "{job}");
    assert_eq!(ends(&job), ["failed", "failed", "succeeded"]);
    let refused = act(&rig.server, &id, "retry").await;
    assert!(refused.problem(409, "conflict").contains("is succeeded"));
}

#[tokio::test]
async fn an_error_that_no_retry_can_help_ends_a_job_at_once() {
    let rig = rig().await;
    let id = made(&rig.server, &json!({"kind": "demo.fail", "args": {"message": "no luck"}})).await;
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(1)), "{job}");
    assert_eq!(reason(&job), "failed after 1 attempt (demo.failed): no luck");
    assert_eq!(
        (&job["error"]["code"], &job["error"]["detail"]),
        (&json!("demo.failed"), &json!("no luck"))
    );
    assert_eq!(ends(&job), ["failed"]);
}

#[tokio::test]
async fn a_panic_is_the_failure_of_one_attempt() {
    let rig = rig().await;
    let id = made(&rig.server, &json!({"kind": "demo.panic"})).await;
    let job = ended(&rig.server, &id).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("failed"), &json!(3)), "{job}");
    assert_eq!(ends(&job), ["failed", "failed", "failed"]);
    assert!(!text(&job["error"]["detail"]).contains("demo.rs"), "{job}");
    let next = made(&rig.server, &super::sleep(0)).await;
    assert_eq!(ended(&rig.server, &next).await["state"], "succeeded");
}

#[tokio::test]
async fn between_two_attempts_a_job_says_when_the_next_one_is_and_can_be_hurried() {
    let rig = rig().await;
    // So many failures that the pauses grow to seconds.
    let flaky = json!({"kind": "demo.flaky", "args": {"key": "f", "fail_times": 6}});
    let id = made(&rig.server, &flaky).await;
    let waiting = once(&rig.server, &id, |job| {
        job["state"] == "retrying" && job["attempt"].as_u64() >= Some(3)
    })
    .await;
    let said = reason(&waiting);
    assert!(said.contains(" of 10 failed (demo.flaky): next try at "), "{said}");
    assert_eq!(waiting["actions"], json!(["cancel", "retry", "snooze"]));
    let done = super::super::rig::eventually(async || {
        // One that runs just now cannot be hurried.
        act(&rig.server, &id, "retry").await;
        Some(job(&rig.server, &id).await).filter(super::is_final)
    })
    .await;
    assert_eq!((&done["state"], &done["attempt"]), (&json!("succeeded"), &json!(7)), "{done}");
}
