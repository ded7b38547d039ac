//! A second connection to a test's database, to do what the store does not offer.

use std::str::FromStr as _;

use mindflight_testapp::TestDb;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

/// A connection past the store.
pub(crate) async fn other(db: &TestDb) -> PgConnection {
    PgConnectOptions::from_str(db.url()).unwrap().application_name("other").connect().await.unwrap()
}

/// Runs a script past the store.
pub(crate) async fn run(db: &mut PgConnection, script: &'static str) {
    sqlx::raw_sql(script).execute(db).await.unwrap();
}

/// Cuts every connection to the database but this one.
pub(crate) async fn cut(db: &mut PgConnection) {
    run(
        db,
        "SELECT pg_terminate_backend(pid, 5000)
         FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
}
