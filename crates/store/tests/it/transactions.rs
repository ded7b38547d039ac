//! Transactions in which a call is closed.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::ports::{Memory as _, Set};
use mindflight_testapp::{TestClock, TestDb};
use serde_json::{Value, json};

use crate::access::{audited, record};
use crate::past::{cut, other};

#[tokio::test]
async fn what_was_written_is_there_with_its_audit_row_once_it_is_finished() {
    let db = TestDb::new().await;
    let (store, memory) = (db.store(), db.store().memory());
    let mut tx = store.transactions().begin(record("tool.call"), None, None).await.unwrap();
    assert!(tx.get("s", "k").await.unwrap().is_none());
    assert_eq!(tx.set("s", "k", json!(1), Set::default()).await.unwrap().version, 1);
    assert_eq!(tx.add("s", "k", 2).await.unwrap(), 3);
    assert_eq!(tx.get("s", "k").await.unwrap().unwrap().value, json!(3), "it sees its own writes");
    assert!(memory.get("s", "k").await.unwrap().is_none(), "others do not yet");
    assert_eq!(audited(store, "tool.call").await, 0);
    tx.finish(&Value::Null).await.unwrap();
    assert_eq!(memory.get("s", "k").await.unwrap().unwrap().value, json!(3));
    assert_eq!(audited(store, "tool.call").await, 1);
}

#[tokio::test]
async fn a_transaction_that_is_dropped_has_written_nothing() {
    let db = TestDb::new().await;
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    tx.set("s", "k", json!(1), Set::default()).await.unwrap();
    drop(tx);
    assert!(db.store().memory().get("s", "k").await.unwrap().is_none());
    assert_eq!(audited(db.store(), "tool.call").await, 0);
}

#[tokio::test]
async fn a_conflict_does_not_end_the_transaction() {
    let db = TestDb::new().await;
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    tx.set("s", "k", json!("text"), Set::default()).await.unwrap();
    let wrong = Set { ttl: None, if_version: Some(7) };
    assert_eq!(tx.set("s", "k", json!(1), wrong).await.unwrap_err().name(), "conflict");
    assert_eq!(tx.add("s", "k", 1).await.unwrap_err().name(), "conflict");
    tx.set("s", "k", json!(i64::MAX), Set::default()).await.unwrap();
    assert_eq!(tx.add("s", "k", 1).await.unwrap_err().name(), "conflict");
    tx.finish(&Value::Null).await.unwrap();
    let stored = db.store().memory().get("s", "k").await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (json!(i64::MAX), 2));
}

/// Reads a counter, and writes what it read plus one.
async fn count(db: &TestDb) {
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    let found = tx.get("s", "k").await.unwrap();
    let count = found.and_then(|stored| stored.value.as_i64()).unwrap_or(0);
    tx.set("s", "k", json!(count + 1), Set::default()).await.unwrap();
    tx.finish(&Value::Null).await.unwrap();
}

#[tokio::test]
async fn a_key_that_was_read_is_held_also_one_that_was_not_there() {
    let db = TestDb::new().await;
    tokio::join!(count(&db), count(&db), count(&db), count(&db));
    let stored = db.store().memory().get("s", "k").await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (json!(4), 4));
}

#[tokio::test]
async fn a_writer_outside_waits_for_a_transaction_that_found_nothing() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    assert!(tx.get("s", "k").await.unwrap().is_none());
    let inside = async {
        tx.set("s", "k", json!("inside"), Set::default()).await.unwrap();
        tx.finish(&Value::Null).await.unwrap();
    };
    let (outside, ()) =
        tokio::join!(memory.set("s", "k", json!("outside"), Set::default()), inside);
    let outside = outside.unwrap();
    assert_eq!((outside.version, outside.previous), (2, Some(json!("inside"))));
}

#[tokio::test]
async fn a_transaction_that_is_open_too_long_is_refused_and_rolled_back() {
    let db = TestDb::new().await;
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    tx.set("s", "k", json!(1), Set::default()).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let error = tx.get("s", "k").await.unwrap_err();
    assert_eq!((error.name(), error.status()), ("database_unavailable", 503));
    assert!(tx.finish(&Value::Null).await.is_err());
    assert!(db.store().memory().get("s", "k").await.unwrap().is_none());
    assert_eq!(audited(db.store(), "tool.call").await, 0);
}

#[tokio::test]
async fn a_transaction_whose_connection_was_cut_is_unavailable_and_rolled_back() {
    let db = TestDb::new().await;
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    tx.set("s", "k", json!(1), Set::default()).await.unwrap();
    cut(&mut other(&db).await).await;
    let error = tx.finish(&Value::Null).await.unwrap_err();
    assert_eq!(error.name(), "database_unavailable");
    assert!(db.store().memory().get("s", "k").await.unwrap().is_none());
    assert_eq!(audited(db.store(), "tool.call").await, 0);
}

#[tokio::test]
async fn an_expired_key_is_not_there_in_a_transaction_either() {
    let clock = TestClock::default();
    let db = TestDb::with_clock(Arc::new(clock.clone())).await;
    let how = Set { ttl: Some(Duration::from_secs(60)), if_version: None };
    db.store().memory().set("s", "k", json!(1), how).await.unwrap();
    clock.advance(Duration::from_secs(60));
    let mut tx = db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    assert!(tx.get("s", "k").await.unwrap().is_none());
    assert_eq!(tx.add("s", "k", 1).await.unwrap(), 1);
    tx.finish(&Value::Null).await.unwrap();
}
