//! Databases of tests.

use mindflight_store::admin::{Admin, Database};
use mindflight_testapp::TestDb;
use tokio::task::JoinSet;

async fn databases(db: &TestDb) -> Vec<Database> {
    let mut admin = Admin::connect(&db.settings()).await.expect("the server answers");
    admin.databases().await.expect("the server answers")
}

#[tokio::test]
async fn a_database_is_migrated_and_nobody_elses() {
    let (one, two) = (TestDb::new().await, TestDb::new().await);
    assert_ne!(one.name(), two.name());
    for db in [&one, &two] {
        assert!(db.store().pending().await.unwrap().is_empty());
        assert!(db.url().contains(db.name()));
    }
}

#[tokio::test]
async fn a_test_that_panics_leaves_no_database() {
    let watcher = TestDb::new().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let mut test = JoinSet::new();
    test.spawn(async move {
        let db = TestDb::new().await;
        db.store().ping().await.unwrap();
        tell.send(db.name().to_owned()).unwrap();
        panic!("as a failing test does");
    });
    assert!(test.join_next().await.unwrap().unwrap_err().is_panic());
    let name = told.recv().await.unwrap();
    assert!(databases(&watcher).await.iter().all(|db| db.name != name));
}

#[tokio::test]
async fn the_template_is_sealed_and_nobody_connects_to_it() {
    let db = TestDb::new().await;
    let name = format!("mindflight_template_{:016x}", mindflight_store::fingerprint());
    let databases = databases(&db).await;
    let template = databases.iter().find(|db| db.name == name).unwrap();
    assert!(template.is_template);
    assert_eq!(template.connections, 0);
}
