//! Memory, transactions, jobs and events.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shop::{Ship, kit};

#[tokio::test]
async fn a_finished_transaction_leaves_all_of_it() {
    let kit = kit().await;
    kit.call("buy", json!({"name": "tea"})).await.assert_ok(json!({"order": 1, "count": 1}));
    assert_eq!(kit.memory().get::<i64>("orders"), Some(1));
    assert_eq!(kit.memory().keys(), ["order:1", "orders"]);
    assert_eq!(kit.jobs().enqueued::<Ship>(), [Ship { order: 1 }]);
    assert_eq!(kit.events().of::<Value>("shop.sold"), [json!({"order": 1})]);
    let rows: Vec<_> = kit.audit().into_iter().map(|row| (row.target, row.outcome)).collect();
    assert_eq!(rows, [("shop_buy".to_owned(), "ok".to_owned())]);
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing() {
    let kit = kit().await;
    let reply = kit.call("forget", json!({})).await;
    reply.assert_error().code("conflict").detail_contains("while a transaction is open");
    assert!(kit.memory().keys().is_empty());
    kit.jobs().assert_enqueued::<Ship>(0);
    assert!(kit.events().all().is_empty());
    let outcomes: Vec<_> = kit.audit().into_iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, ["conflict"]);
    // The lock is free again.
    kit.call("buy", json!({"name": "tea"})).await.assert_ok(json!({"order": 1, "count": 1}));
}

#[tokio::test]
async fn calls_at_the_same_time_take_turns() {
    let kit = kit().await;
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(kit.start("buy", json!({"name": "tea"})).await);
    }
    for call in calls {
        assert_eq!(call.reply().await.output()["count"], 1);
    }
    assert_eq!(kit.memory().get::<i64>("orders"), Some(20));
    kit.jobs().assert_enqueued::<Ship>(20);
}

#[tokio::test]
async fn a_write_beside_ones_own_transaction_says_what_it_waits_for() {
    let kit = kit().await;
    let reply = kit.call("confuse", json!({})).await;
    reply.assert_error().code("database_unavailable").detail_contains("write beside it?");
}

#[tokio::test]
async fn a_time_to_live_obeys_the_clock() {
    let kit = kit().await;
    kit.call("hold", json!({})).await.assert_ok(json!(1));
    let again = kit.call("hold", json!({})).await;
    again.assert_error().code("conflict").detail_contains("version 1");
    kit.clock().advance(Duration::from_secs(61)).await;
    assert!(kit.memory().entry("note").is_none());
    kit.call("hold", json!({})).await.assert_ok(json!(1));
}
