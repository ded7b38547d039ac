//! How calls end, and what they leave behind.

use std::time::Duration;

use mindflight_calls::Settings;
use serde_json::json;

use crate::bench::Rig;

fn row(tool: &str, outcome: &str) -> (String, String) {
    (tool.to_owned(), outcome.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_call_is_cut_at_the_shorter_of_two_deadlines() {
    let settings = Settings { max_timeout: Duration::from_secs(10), ..Settings::default() };
    let rig = Rig::new(settings).await;
    let began = tokio::time::Instant::now();
    let error = rig.refused("bench_look", json!({"ms": 60_000})).await;
    assert_eq!((error.status(), error.name()), (504, "timeout"));
    assert_eq!(began.elapsed(), Duration::from_secs(10));
}

#[tokio::test]
async fn a_panic_is_one_calls_failure_and_its_words_stay_inside() {
    let rig = Rig::new(Settings::default()).await;
    let error = rig.refused("bench_panic", json!({})).await;
    assert_eq!((error.status(), error.name()), (500, "tool_panicked"));
    let shown = serde_json::to_string(&error.problem(mindflight_api::RequestId::new())).unwrap();
    assert!(!shown.contains("secret"), "{shown}");
    assert!(rig.call("bench_look", json!({"ms": 0})).await.is_ok());
}

#[tokio::test]
async fn a_result_that_breaks_its_schema_does_not_leave() {
    let rig = Rig::new(Settings::default()).await;
    let error = rig.refused("bench_lie", json!({})).await;
    assert_eq!((error.status(), error.name()), (500, "invalid_result"));
    assert!(!error.detail().contains("not a number"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_cancels_the_work_and_leaves_a_row() {
    let rig = Rig::new(Settings::default()).await;
    let call = rig.call("bench_wait", json!({"ms": 60_000}));
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    // The handler hears of it and ends by itself, within its grace.
    while rig.audit().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.audit(), [row("bench_wait", "cancelled")]);
    assert_eq!(rig.calls.running(), 0);
}

#[tokio::test]
async fn only_what_changes_something_leaves_a_row() {
    let rig = Rig::new(Settings::default()).await;
    rig.call("bench_look", json!({"ms": 0})).await.unwrap();
    rig.call("bench_wait", json!({"ms": 0})).await.unwrap();
    rig.refused("bench_wait", json!({"ms": "soon"})).await;
    rig.refused("bench_fail", json!({"how": "upstream"})).await;
    while rig.audit().len() < 2 {
        tokio::task::yield_now().await;
    }
    // What never reached a handler did nothing.
    assert_eq!(rig.audit(), [row("bench_wait", "ok"), row("bench_fail", "upstream_error")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_is_left_behind_and_named() {
    let settings = Settings {
        max_timeout: Duration::from_millis(20),
        grace: Duration::from_millis(10),
        stuck_after: Duration::from_millis(10),
        ..Settings::default()
    };
    let rig = Rig::new(settings).await;
    assert_eq!(rig.refused("bench_block", json!({"ms": 300})).await.name(), "timeout");
    while !rig.calls.guard().stuck().now().contains_key("bench_block") {
        tokio::task::yield_now().await;
    }
    // Its place is free at once, its thread when it ends.
    assert_eq!(rig.calls.running(), 0);
    while !rig.calls.guard().stuck().now().is_empty() {
        tokio::task::yield_now().await;
    }
}
