//! Calls: deadlines, cancellation, scopes, and what a reply tells.

use std::time::Duration;

use mindflight_api::Fault;
use serde_json::json;

use crate::shop::{Shop, config, kit};
use mindflight_testkit::Kit;

#[tokio::test]
async fn a_tool_is_called_by_its_own_name_and_by_those_of_the_wire() {
    let kit = kit().await;
    for name in ["buy", "shop_buy", "shop.buy"] {
        let reply = kit.call(name, json!({"name": "tea", "count": 2})).await;
        assert_eq!(reply.output()["count"], 2);
    }
    let unknown = kit.call("bye", json!({})).await;
    unknown.assert_error().code("tool_not_found").status(404).has_fix();
    assert_eq!(kit.tools().len(), 7);
}

#[tokio::test]
async fn tools_that_come_and_go_are_read_again() {
    let kit = kit().await;
    kit.call("open", json!({})).await.assert_ok(json!(null));
    kit.call("open", json!({})).await.assert_error().code("tool_not_found");
    assert_eq!(kit.tools().len(), 6);
}

#[tokio::test]
async fn an_hour_of_waiting_is_cut_at_the_deadline_and_takes_no_time() {
    let kit = kit().await;
    let before = kit.clock().now();
    let reply = kit.call("wait", json!({"seconds": 3600})).await;
    reply.assert_error().code("timeout").status(504).fault(Fault::Provider);
    assert_eq!((kit.clock().now() - before).num_seconds(), 30);
    assert_eq!(kit.log(), ["waiting"]);
    // The clock is far from the machine's now, and still the next call has all of its time.
    let reply = kit.call("wait", json!({"seconds": 20})).await;
    reply.assert_ok(json!({"left": 30.0, "now_left": 10.0}));
    assert_eq!(reply.log(), ["waiting"]);
}

#[tokio::test]
async fn a_caller_who_goes_away_cancels_the_call() {
    let kit = kit().await;
    let call = kit.start("wait", json!({"seconds": 25})).await;
    kit.clock().advance(Duration::from_secs(20)).await;
    assert!(!call.is_done());
    assert!(kit.progress().is_empty());
    call.cancel().await;
    let messages: Vec<_> = kit.progress().into_iter().map(|step| step.message).collect();
    assert_eq!(messages, [Some("cancelled".to_owned())]);
}

#[tokio::test]
async fn a_started_call_gives_its_reply() {
    let kit = kit().await;
    let call = kit.start("wait", json!({"seconds": 5})).await;
    kit.clock().advance(Duration::from_secs(6)).await;
    assert!(call.is_done());
    assert_eq!(call.reply().await.output()["left"], 30.0);
}

#[tokio::test]
async fn scopes_are_those_of_the_caller() {
    let kit = kit().await;
    let arguments = || json!({"seconds": 1});
    let reply = kit.call_as(&["tools:call"], "wait", arguments()).await;
    reply.assert_error().code("forbidden").detail_contains("jobs:read");
    let reply = kit.call_as(&["jobs:read"], "wait", arguments()).await;
    reply.assert_error().code("forbidden").detail_contains("tools:call");
    let both = ["tools:call:shop_wait", "jobs:read"];
    assert_eq!(kit.call_as(&both, "wait", arguments()).await.output()["left"], 30.0);
}

#[tokio::test]
async fn a_provider_that_cannot_be_built_says_why() {
    let error = Kit::<Shop>::try_new(json!({"sekret": "x"})).await.err();
    let text = error.expect("it is not built").to_string();
    assert!(text.contains("`secret` is missing") && text.contains("`sekret`"), "{text}");
}

#[tokio::test]
async fn the_world_can_be_filled_before_the_provider_is_built() {
    let world = Kit::<Shop>::prepare();
    world.http().on(http::Method::GET, "https://prices.example").reply(200, "fine");
    world.memory().set("orders", &41);
    let mut config = config();
    config["check"] = json!(true);
    let kit = world.build(config).await.expect("it can be built");
    kit.http().assert_all_used();
    kit.call("buy", json!({"name": "tea"})).await.assert_ok(json!({"order": 42, "count": 1}));
}

#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "use plain `#[tokio::test]`")]
async fn a_runtime_of_several_threads_is_refused() {
    drop(kit().await);
}
