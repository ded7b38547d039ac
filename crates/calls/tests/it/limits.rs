//! Scopes, rates, concurrency caps and the breaker.

use std::time::Duration;

use mindflight_api::Scope;
use mindflight_calls::Settings;
use serde_json::json;

use crate::bench::{Rig, caller, caller_with};

#[tokio::test]
async fn a_tool_can_want_a_scope_besides_the_one_to_call() {
    let rig = Rig::new(Settings::default()).await;
    for (scopes, missing) in [
        (vec![Scope::ToolsCall], "`memory`"),
        (vec![Scope::Memory], "`tools:call:bench_locked`"),
        (
            vec![Scope::ToolsCallOne("bench_look".into()), Scope::Memory],
            "`tools:call:bench_locked`",
        ),
    ] {
        let error =
            rig.call_as(caller_with(scopes), "old_name", json!({"ms": 0})).await.unwrap_err();
        assert_eq!(error.name(), "forbidden");
        assert!(error.detail().contains(missing), "{error}");
    }
    let both = caller_with(vec![Scope::ToolsCall, Scope::Memory]);
    assert!(rig.call_as(both, "old_name", json!({"ms": 0})).await.is_ok());
}

#[tokio::test]
async fn a_rate_counts_each_caller_for_itself() {
    let rig = Rig::new(Settings::default()).await;
    let (one, other) = (caller(), caller());
    for _ in 0..2 {
        assert!(rig.call_as(one.clone(), "bench_rare", json!({"ms": 0})).await.is_ok());
    }
    let error = rig.call_as(one, "bench_rare", json!({"ms": 0})).await.unwrap_err();
    assert_eq!((error.status(), error.name()), (429, "rate_limited"));
    assert!(error.retry_after().is_some_and(|wait| wait <= Duration::from_secs(30)));
    assert!(rig.call_as(other, "bench_rare", json!({"ms": 0})).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_capped_tool_is_waited_for_a_while_and_then_busy() {
    let rig = Rig::new(Settings::default()).await;
    let first = rig.call("bench_single", json!({"ms": 20_000}));
    let second = rig.refused("bench_single", json!({"ms": 0}));
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok());
    assert_eq!((second.status(), second.name()), (503, "busy"));
    // One that fits into the wait gets its turn.
    let first = rig.call("bench_single", json!({"ms": 1_000}));
    let second = rig.call("bench_single", json!({"ms": 0}));
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok() && second.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_instance_takes_only_so_many_calls() {
    let rig = Rig::new(Settings { max_running: 1, ..Settings::default() }).await;
    let first = rig.call("bench_look", json!({"ms": 10}));
    let second = rig.refused("bench_look", json!({"ms": 0}));
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok());
    assert_eq!(second.name(), "busy");
    assert_eq!(rig.calls.running(), 0);
}

#[tokio::test]
async fn failures_in_a_row_open_the_breaker_and_what_callers_do_wrong_does_not() {
    let rest = Duration::from_millis(50);
    let settings = Settings { breaker_failures: 3, breaker_rest: rest, ..Settings::default() };
    let rig = Rig::new(settings).await;
    for _ in 0..10 {
        assert_eq!(
            rig.refused("bench_fail", json!({"how": "caller"})).await.name(),
            "invalid_arguments"
        );
    }
    for _ in 0..2 {
        assert_eq!(
            rig.refused("bench_fail", json!({"how": "upstream"})).await.name(),
            "upstream_error"
        );
    }
    // A success in between starts the count again.
    assert!(rig.call("bench_fail", json!({})).await.is_ok());
    for _ in 0..3 {
        assert_eq!(
            rig.refused("bench_fail", json!({"how": "upstream"})).await.name(),
            "upstream_error"
        );
    }
    let resting = rig.refused("bench_fail", json!({})).await;
    assert_eq!((resting.name(), resting.retry_after()), ("tool_unavailable", Some(rest)));
    // Its neighbours are well.
    assert!(rig.call("bench_look", json!({"ms": 0})).await.is_ok());
    // After the rest the next call is let through, and closes it.
    while rig.call("bench_fail", json!({})).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(rig.call("bench_fail", json!({})).await.is_ok());
}
