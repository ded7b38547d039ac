//! The audit log.

use mindflight_api::{KeyId, UserId};
use mindflight_core::ports::{Audit as _, Record};
use mindflight_store::audit::Filter;
use mindflight_testapp::TestDb;
use serde_json::{Value, json};

use crate::access::{at, record, record_of};

#[tokio::test]
async fn a_row_reads_back_all_that_it_was_given() {
    let db = TestDb::new().await;
    let (user, key) = (UserId::new(), KeyId::new());
    let record = record_of("tool.call", user, key);
    db.store().audit().write(record.clone()).await.unwrap();
    let rows = db.store().audit().list(&Filter::default()).await.unwrap();
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.action.as_str(), row.target.as_str()), ("tool.call", "target"));
    assert_eq!((row.outcome.as_str(), row.at), ("ok", at(0)));
    assert_eq!((row.user_id, row.key_id), (Some(user), Some(key)));
    assert_eq!(row.ip.as_deref(), Some("2001:db8::1"));
    assert_eq!(row.request_id, Some(record.origin.request));
    assert_eq!(row.detail, json!({"n": 1}));
}

#[tokio::test]
async fn rows_are_filtered_and_paged_newest_first() {
    let db = TestDb::new().await;
    let audit = db.store().audit();
    let (user, key) = (UserId::new(), KeyId::new());
    for target in ["1", "2", "3"] {
        let row = Record { target: target.to_owned(), ..record_of("tool.call", user, key) };
        audit.write(row).await.unwrap();
    }
    audit.write(record("key.create")).await.unwrap();

    let targets = async |filter: Filter| -> Vec<String> {
        let rows = audit.list(&filter).await.unwrap();
        rows.into_iter().map(|row| row.target).collect()
    };
    let all = Filter::default();
    assert_eq!(targets(all.clone()).await, ["target", "3", "2", "1"]);
    let by_user = Filter { user: Some(user), ..all.clone() };
    assert_eq!(targets(by_user).await, ["3", "2", "1"]);
    let by_key = Filter { key: Some(KeyId::new()), ..all.clone() };
    assert_eq!(targets(by_key).await, Vec::<String>::new());
    let by_target = Filter { target: Some("2".to_owned()), ..all.clone() };
    assert_eq!(targets(by_target).await, ["2"]);
    let newest = audit.list(&Filter { limit: 2, ..all.clone() }).await.unwrap();
    let rest = Filter { after: Some(newest[1].id), ..all };
    assert_eq!(targets(rest).await, ["2", "1"]);
}

#[tokio::test]
async fn what_a_caller_named_never_keeps_an_act_out_of_the_log() {
    let db = TestDb::new().await;
    let row =
        Record { target: "a\0b".to_owned(), detail: json!({"\0": ["\0"]}), ..record("tool.call") };
    db.store().audit().write(row).await.unwrap();
    let found = db.store().audit().list(&Filter::default()).await.unwrap().remove(0);
    assert_eq!(found.target, "a\u{fffd}b");
    assert_eq!(found.detail, json!({"\u{fffd}": ["\u{fffd}"]}));
}

#[tokio::test]
async fn a_row_without_detail_address_or_user_has_none() {
    let db = TestDb::new().await;
    db.store().audit().write(record("user.create")).await.unwrap();
    let found = db.store().audit().list(&Filter::default()).await.unwrap().remove(0);
    assert_eq!((found.ip, found.user_id, found.key_id), (None, None, None));
    assert_eq!(found.detail, Value::Null);
}
