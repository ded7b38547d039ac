//! A database that is away, slow or full.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::ports::SystemClock;
use mindflight_store::{Error, Settings, Store};
use mindflight_testapp::TestDb;

use crate::past::{cut, other, run};

fn store(settings: &Settings) -> Store {
    Store::lazy(settings, Arc::new(SystemClock)).unwrap()
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable_with_a_wait() {
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = Settings {
        acquire_timeout: Duration::from_millis(100),
        ..Settings::new(format!("postgres://u:hunter2@127.0.0.1:{port}/d"))
    };
    let error = store(&settings).versions().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
    let error = mindflight_core::Error::from(error);
    assert_eq!((error.name(), error.status()), ("database_unavailable", 503));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    let error = store(&settings).migrate().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = Settings {
        acquire_timeout: Duration::from_millis(100),
        ..Settings::new(format!("postgres://u@{}/d", silent.local_addr().unwrap()))
    };
    let error = store(&settings).ping().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    let error = store(&settings).migrate().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_a_matter_of_the_settings() {
    let db = TestDb::new().await;
    let url = mindflight_store::admin::url_of_database(db.url(), "no_such_database");
    let error = store(&Settings::new(url)).versions().await.unwrap_err();
    assert!(matches!(&error, Error::Config(text) if text.contains("DATABASE_URL")), "{error:?}");
    assert_eq!(mindflight_core::Error::from(error).name(), "database_unavailable");
}

#[tokio::test]
async fn a_cut_connection_is_replaced_by_a_new_one() {
    let db = TestDb::new().await;
    db.store().ping().await.unwrap();
    cut(&mut other(&db).await).await;
    db.store().ping().await.unwrap();
}

#[tokio::test]
async fn a_pool_without_a_free_connection_is_unavailable() {
    let db = TestDb::new().await;
    let store = store(&Settings {
        max_connections: 1,
        acquire_timeout: Duration::from_millis(50),
        ..db.settings()
    });
    let transactions = store.transactions();
    let record = crate::access::record("tool.call");
    let open = transactions.begin(record, None, None).await.unwrap();
    let error = store.versions().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    drop(open);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout() {
    let db = TestDb::new().await;
    let store = store(&Settings { statement_timeout: Duration::from_millis(50), ..db.settings() });
    let mut holder = other(&db).await;
    run(&mut holder, "BEGIN; LOCK TABLE mindflight.control IN ACCESS EXCLUSIVE MODE").await;
    let error = store.versions().await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    assert_eq!(mindflight_core::Error::from(error).status(), 503);
    run(&mut holder, "ROLLBACK").await;
    store.versions().await.unwrap();
}

#[tokio::test]
async fn the_server_tells_its_version_and_who_is_connected() {
    let db = TestDb::new().await;
    let version = db.store().server_version().await.unwrap();
    assert!(version.major >= mindflight_store::OLDEST);
    let store = store(&Settings { instance: "mindflight-serve-x".to_owned(), ..db.settings() });
    store.ping().await.unwrap();
    let mut admin = mindflight_store::admin::Admin::connect(&db.settings()).await.unwrap();
    assert!(admin.is_connected("mindflight-serve-x").await.unwrap());
    store.close().await;
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}
