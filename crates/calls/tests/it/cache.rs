//! Results that are served again, and those that are not.

use mindflight_calls::Settings;
use mindflight_core::Caller;
use serde_json::{Value, json};

use crate::bench::{MINUTE, Rig, caller, mounted};

async fn runs(rig: &Rig, tool: &str, caller: &Caller, arguments: Value) -> u64 {
    let result = rig.call_as(caller.clone(), tool, arguments).await.unwrap();
    result["runs"].as_u64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_result_is_served_again_to_its_caller_until_its_time_is_over() {
    let rig = Rig::new(Settings::default()).await;
    let (one, other) = (caller(), caller());
    let same = json!({"what": {"a": 1, "b": 2}});
    assert_eq!(runs(&rig, "bench_kept", &one, same.clone()).await, 1);
    let turned = json!({"what": {"b": 2, "a": 1}});
    assert_eq!(runs(&rig, "bench_kept", &one, turned).await, 1);
    assert_eq!(runs(&rig, "bench.kept", &one, same.clone()).await, 1);
    assert_eq!(runs(&rig, "bench_kept", &other, same.clone()).await, 2);
    assert_eq!(runs(&rig, "bench_kept", &one, json!({"what": 1})).await, 3);
    tokio::time::advance(MINUTE).await;
    assert_eq!(runs(&rig, "bench_kept", &one, same).await, 4);
}

#[tokio::test]
async fn a_shared_result_is_served_to_everybody_who_may_call_the_tool() {
    let rig = Rig::new(Settings::default()).await;
    assert_eq!(runs(&rig, "bench_common", &caller(), json!({})).await, 1);
    assert_eq!(runs(&rig, "bench_common", &caller(), json!({})).await, 1);
    let nobody = rig.call_as(Caller::public(), "bench_common", json!({})).await;
    assert_eq!(nobody.unwrap_err().name(), "forbidden");
    let wrong = rig.call_as(caller(), "bench_common", json!({"fails": "x"})).await;
    assert_eq!(wrong.unwrap_err().name(), "invalid_arguments");
}

#[tokio::test]
async fn errors_are_not_kept() {
    let rig = Rig::new(Settings::default()).await;
    for run in ["run 1", "run 2"] {
        let error = rig.refused("bench_kept", json!({"fails": true})).await;
        assert!(error.detail().ends_with(run), "{error}");
    }
}

#[tokio::test]
async fn the_least_recently_used_go_when_the_room_is_taken() {
    let settings = Settings { cache_bytes: 10_000, ..Settings::default() };
    let rig = Rig::new(settings).await;
    let one = caller();
    let large = |n: u32| json!({"what": n, "bytes": 4_000});
    assert_eq!(runs(&rig, "bench_kept", &one, large(1)).await, 1);
    assert_eq!(runs(&rig, "bench_kept", &one, large(2)).await, 2);
    assert_eq!(runs(&rig, "bench_kept", &one, large(1)).await, 1);
    assert_eq!(runs(&rig, "bench_kept", &one, large(3)).await, 3);
    assert_eq!(runs(&rig, "bench_kept", &one, large(1)).await, 1);
    assert_eq!(runs(&rig, "bench_kept", &one, large(2)).await, 4);
    let too_large = json!({"bytes": 20_000});
    assert_eq!(runs(&rig, "bench_kept", &one, too_large.clone()).await, 5);
    assert_eq!(runs(&rig, "bench_kept", &one, too_large).await, 6);
}

#[tokio::test]
async fn nothing_is_kept_without_room_and_a_new_catalog_begins_empty() {
    let rig = Rig::new(Settings { cache_bytes: 0, ..Settings::default() }).await;
    assert_eq!(runs(&rig, "bench_kept", &caller(), json!({})).await, 1);
    assert_eq!(runs(&rig, "bench_common", &caller(), json!({})).await, 2);
    let rig = Rig::new(Settings::default()).await;
    assert_eq!(runs(&rig, "bench_common", &caller(), json!({})).await, 1);
    rig.replace(mounted("bench").await);
    assert_eq!(runs(&rig, "bench_common", &caller(), json!({"what": null})).await, 1);
}

#[tokio::test]
async fn a_tool_that_changes_things_cannot_have_its_results_kept() {
    let rig = Rig::new(Settings::default()).await;
    let error = rig.refused("bench_writes", json!({})).await;
    assert!(error.detail().contains("not `read_only`"), "{error}");
}
