//! Keys and values.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::ports::{Memory as _, Set};
use mindflight_testapp::{TestClock, TestDb};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const HOUR: Duration = Duration::from_secs(3600);

fn for_an_hour() -> Set {
    Set { ttl: Some(HOUR), if_version: None }
}

fn if_version(version: u64) -> Set {
    Set { ttl: None, if_version: Some(version) }
}

async fn with_clock() -> (TestDb, TestClock) {
    let clock = TestClock::default();
    (TestDb::with_clock(Arc::new(clock.clone())).await, clock)
}

#[tokio::test]
async fn a_value_comes_back_unaltered_and_counts_its_writes() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    let text = r#"{"z":1,"a":[1.0,1e-7,-0.0,18446744073709551615,12345678901234567890123],"":null,"ü\\u0000":"😀"}"#;
    let value: Value = serde_json::from_str(text).unwrap();
    let first = memory.set("s", "k", value.clone(), Set::default()).await.unwrap();
    assert_eq!((first.version, first.previous), (1, None));
    let stored = memory.get("s", "k").await.unwrap().unwrap();
    assert_eq!(stored.value.to_string(), value.to_string(), "also the order of members");
    assert_eq!((stored.version, stored.expires_at), (1, None));

    let second = memory.set("s", "k", json!(2), Set::default()).await.unwrap();
    assert_eq!((second.version, second.previous), (2, Some(value)));
    assert!(memory.get("other", "k").await.unwrap().is_none(), "spaces do not see one another");
}

#[tokio::test]
async fn an_expired_key_is_not_there_whoever_asks() {
    let (db, clock) = with_clock().await;
    let memory = db.store().memory();
    memory.set("s", "k", json!(5), for_an_hour()).await.unwrap();
    let before = memory.set("s", "k", json!(6), for_an_hour()).await.unwrap();
    assert_eq!(before.version, 2);
    clock.advance(HOUR);
    assert!(memory.get("s", "k").await.unwrap().is_none());
    assert!(memory.list("s", "", None, 10).await.unwrap().is_empty());
    let error = memory.set("s", "k", json!(7), if_version(2)).await.unwrap_err();
    assert_eq!(error.name(), "conflict");

    let again = memory.set("s", "k", json!(8), if_version(0)).await.unwrap();
    assert_eq!((again.version, again.previous), (1, None), "it begins anew");
    let stored = memory.get("s", "k").await.unwrap().unwrap();
    assert_eq!((stored.created_at, stored.expires_at), (stored.updated_at, None));

    memory.set("s", "k", json!("text"), for_an_hour()).await.unwrap();
    clock.advance(HOUR);
    assert_eq!(memory.add("s", "k", 3).await.unwrap(), 3, "0 if there is none");
    memory.set("s", "k", json!(1), for_an_hour()).await.unwrap();
    clock.advance(HOUR);
    assert!(!memory.delete("s", "k").await.unwrap());
}

#[tokio::test]
async fn a_version_that_is_not_the_stored_one_is_a_conflict_that_says_both() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    let error = memory.set("s", "k", json!(1), if_version(3)).await.unwrap_err();
    assert_eq!((error.name(), error.status()), ("conflict", 409));
    memory.set("s", "k", json!(1), if_version(0)).await.unwrap();
    memory.set("s", "k", json!(2), if_version(1)).await.unwrap();
    for wrong in [0, 1, 3, u64::MAX] {
        let error = memory.set("s", "k", json!(3), if_version(wrong)).await.unwrap_err();
        assert!(error.detail().contains("version 2"), "{}", error.detail());
    }
    assert_eq!(memory.get("s", "k").await.unwrap().unwrap().value, json!(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_of_one_version_one_wins() {
    let db = TestDb::new().await;
    for round in 0..10_u64 {
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let memory = db.store().memory();
            writers
                .spawn(async move { memory.set("s", "k", json!(writer), if_version(round)).await });
        }
        let results = writers.join_all().await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "round {round}: {results:?}");
        assert_eq!(won[0].version, round + 1);
        assert!(
            results.iter().flat_map(|result| result.as_ref().err()).all(|e| e.name() == "conflict")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_writer_of_a_new_key_sees_what_it_replaced() {
    let db = TestDb::new().await;
    let mut writers = JoinSet::new();
    for writer in 0..16 {
        let memory = db.store().memory();
        writers.spawn(
            async move { memory.set("s", "k", json!(writer), Set::default()).await.unwrap() },
        );
    }
    let mut written = writers.join_all().await;
    written.sort_by_key(|written| written.version);
    let versions: Vec<_> = written.iter().map(|written| written.version).collect();
    assert_eq!(versions, (1..=16).collect::<Vec<_>>());
    let previous = written.iter().filter(|written| written.previous.is_none()).count();
    assert_eq!(previous, 1, "only the first found nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_added_is_lost() {
    let db = TestDb::new().await;
    let mut adders = JoinSet::new();
    for by in 1..=32 {
        let memory = db.store().memory();
        adders.spawn(async move { memory.add("s", "k", by).await.unwrap() });
    }
    let sums = adders.join_all().await;
    assert_eq!(sums.iter().max(), Some(&(32 * 33 / 2)));
    let stored = db.store().memory().get("s", "k").await.unwrap().unwrap();
    assert_eq!((stored.value, stored.version), (json!(528), 32));
}

#[tokio::test]
async fn what_cannot_be_added_to_is_a_conflict_and_stays() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    let huge: Value = serde_json::from_str("18446744073709551615").unwrap();
    for (value, by, word) in [
        (json!("5"), 1, "no integer"),
        (json!(1.5), 1, "no integer"),
        (json!([1]), 1, "no integer"),
        (Value::Null, 1, "no integer"),
        (json!(i64::MAX), 1, "range"),
        (json!(i64::MIN), -1, "range"),
        (huge, 0, "range"),
    ] {
        memory.set("s", "k", value.clone(), Set::default()).await.unwrap();
        let error = memory.add("s", "k", by).await.unwrap_err();
        assert_eq!(error.name(), "conflict");
        assert!(error.detail().contains(word), "{value}: {}", error.detail());
        assert_eq!(memory.get("s", "k").await.unwrap().unwrap().value, value);
    }
    memory.set("s", "k", json!(i64::MAX), Set::default()).await.unwrap();
    assert_eq!(memory.add("s", "k", i64::MIN).await.unwrap(), -1);
}

#[tokio::test]
async fn a_deleted_key_is_gone_and_begins_anew() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    memory.add("s", "k", 1).await.unwrap();
    assert!(memory.delete("s", "k").await.unwrap());
    assert!(!memory.delete("s", "k").await.unwrap());
    assert_eq!(memory.set("s", "k", json!(1), Set::default()).await.unwrap().version, 1);
}

#[tokio::test]
async fn a_prefix_is_a_text_and_no_pattern() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    for key in ["a", "a%", "a%b", "a_", "ab", "aé", "a\u{10ffff}", "A", "b", "é", "\u{10ffff}x"] {
        memory.set("s", key, json!(1), Set::default()).await.unwrap();
    }
    let keys = async |prefix: &str, after: Option<&str>, limit| -> Vec<String> {
        let found = memory.list("s", prefix, after, limit).await.unwrap();
        found.into_iter().map(|stored| stored.key).collect()
    };
    assert_eq!(keys("a%", None, 10).await, ["a%", "a%b"]);
    assert_eq!(keys("a_", None, 10).await, ["a_"]);
    assert_eq!(keys("\u{10ffff}", None, 10).await, ["\u{10ffff}x"]);
    assert_eq!(keys("zz", None, 10).await, Vec::<String>::new());
    assert_eq!(keys("a", None, 10).await, ["a", "a%", "a%b", "a_", "ab", "aé", "a\u{10ffff}"]);
    let all = keys("", None, 100).await;
    assert_eq!(all.len(), 11);
    assert!(all.is_sorted(), "in the order of bytes: {all:?}");

    let mut paged = keys("a", None, 2).await;
    while let Some(last) = paged.last().cloned() {
        let page = keys("a", Some(&last), 2).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, keys("a", None, 10).await);
    assert_eq!(keys("b", Some("a"), 10).await, ["b"], "a cursor before the prefix");
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_before_it_is_sent() {
    let db = TestDb::new().await;
    let memory = db.store().memory();
    for (key, value, code, status) in [
        ("k\0", json!(1), "invalid_request", 400),
        ("k", json!({"a": "\0"}), "invalid_request", 400),
        ("", json!(1), "invalid_arguments", 422),
        (&"k".repeat(513), json!(1), "invalid_arguments", 422),
        ("k", json!("x".repeat(256 * 1024)), "too_large", 413),
    ] {
        let error = memory.set("s", key, value, Set::default()).await.unwrap_err();
        assert_eq!((error.name(), error.status()), (code, status));
    }
    memory
        .set("s", &"ä".repeat(512), json!("x".repeat(256 * 1024 - 2)), Set::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_sweep_removes_some_expired_keys_and_no_others() {
    let (db, clock) = with_clock().await;
    let memory = db.store().memory();
    for key in ["1", "2", "3"] {
        memory.set("s", key, json!(1), for_an_hour()).await.unwrap();
    }
    memory.set("s", "stays", json!(1), Set::default()).await.unwrap();
    assert_eq!(memory.sweep(10).await.unwrap(), 0);
    clock.advance(HOUR);
    memory.set("s", "later", json!(1), for_an_hour()).await.unwrap();
    assert_eq!(memory.sweep(2).await.unwrap(), 2);
    assert_eq!(memory.sweep(2).await.unwrap(), 1);
    assert_eq!(memory.list("s", "", None, 10).await.unwrap().len(), 2);
}
