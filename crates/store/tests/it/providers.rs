//! The switches of providers.

use mindflight_testapp::TestDb;

use crate::access::{audited, record};

#[tokio::test]
async fn the_last_switch_counts_and_every_one_grows_the_version() {
    let db = TestDb::new().await;
    let (store, providers) = (db.store(), db.store().providers());
    assert!(providers.states().await.unwrap().is_empty());
    let before = store.versions().await.unwrap();
    let record = record("provider.switch");
    let mut last = before.providers;
    for (name, enabled) in [("echo", false), ("demo", true), ("echo", true)] {
        providers.set(name, enabled, &record).await.unwrap();
        let now = store.versions().await.unwrap();
        assert!(now.providers > last, "{name}");
        assert_eq!(now.auth, before.auth);
        last = now.providers;
    }
    let states: Vec<_> = providers.states().await.unwrap().into_iter().collect();
    assert_eq!(states, [("demo".to_owned(), true), ("echo".to_owned(), true)]);
    assert_eq!(audited(store, "provider.switch").await, 3);
}

#[tokio::test]
async fn a_switch_that_fails_leaves_no_audit_row() {
    let db = TestDb::new().await;
    let name = "x".repeat(101);
    let record = record("provider.switch");
    assert!(db.store().providers().set(&name, true, &record).await.is_err());
    assert_eq!(audited(db.store(), "provider.switch").await, 0);
}
