//! The scripted outside world.

use std::time::Duration;

use http::Method;
use mindflight_testkit::Scripted;
use serde_json::json;

use crate::shop::kit;

#[tokio::test]
async fn answers_come_in_their_order_and_requests_are_kept() {
    let kit = kit().await;
    let answers = [
        Scripted::new(503, "busy"),
        Scripted::new(200, json!({"cents": 5})).header("x-from", "us"),
    ];
    kit.http().on(Method::GET, "/price").reply_sequence(answers);
    let call = || kit.call("price", json!({"name": "tea"}));
    call().await.assert_error().code("upstream_error").status(502).detail_contains("503");
    call().await.assert_ok(json!({"cents": 5}));
    kit.http().assert_all_used();
    let sent: Vec<String> =
        kit.http().requests().iter().map(|request| request.uri().to_string()).collect();
    assert_eq!(sent, ["https://prices.example/price?of=tea"; 2]);
}

#[tokio::test]
async fn a_target_is_a_url_or_a_path_with_or_without_its_query() {
    let kit = kit().await;
    for target in [
        "/price",
        "/price?of=tea",
        "https://prices.example/price",
        "https://prices.example/price?of=tea",
    ] {
        kit.http().on(Method::GET, target).reply(200, json!(target));
        kit.call("price", json!({"name": "tea"})).await.assert_ok(json!(target));
    }
    kit.http().assert_all_used();
}

#[tokio::test]
async fn what_nobody_expected_is_an_error_that_names_it() {
    let kit = kit().await;
    kit.http().on(Method::POST, "/price").reply(200, ());
    let reply = kit.call("price", json!({"name": "tea"})).await;
    reply
        .assert_error()
        .code("provider_error")
        .detail_contains("GET https://prices.example/price?of=tea")
        .detail_contains("expected now: POST /price");
}

#[tokio::test]
#[should_panic(
    expected = "not used: [\"GET /price (1 answers left)\"]; not expected: [\"GET https://prices.example/price?of=jam\"]"
)]
async fn what_was_not_used_fails_the_test() {
    let kit = kit().await;
    kit.call("price", json!({"name": "jam"})).await.assert_error().status(500);
    kit.http().on(Method::GET, "/price").reply(200, ());
    kit.http().assert_all_used();
}

#[tokio::test]
async fn a_lost_connection_and_a_slow_answer_are_the_upstreams_fault_and_the_deadlines() {
    let kit = kit().await;
    let call = || kit.call("price", json!({"name": "tea"}));
    kit.http().on(Method::GET, "/price").drop_connection();
    call().await.assert_error().code("upstream_error").detail_contains("connection lost");
    kit.http().on(Method::GET, "/price").delay(Duration::from_secs(31)).reply(200, json!(1));
    call().await.assert_error().code("timeout");
    kit.http().on(Method::GET, "/price").delay(Duration::from_secs(29)).reply_always(200, json!(1));
    call().await.assert_ok(json!(1));
    call().await.assert_ok(json!(1));
    kit.http().assert_all_used();
}
