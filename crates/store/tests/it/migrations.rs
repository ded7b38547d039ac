//! Bringing a schema up to date.

use std::sync::Arc;

use mindflight_core::ports::SystemClock;
use mindflight_store::admin::{Admin, url_of_database};
use mindflight_store::{Error, Settings, Store};
use mindflight_testapp::TestDb;

use crate::past::{other, run};

#[tokio::test]
async fn everything_can_be_taken_back_and_applied_again() {
    let db = TestDb::new().await;
    let mut migrator = sqlx::migrate!("../../migrations");
    migrator.dangerous_set_table_name("mindflight.migrations");
    migrator.undo(&mut other(&db).await, 0).await.unwrap();
    let pending = db.store().pending().await.unwrap();
    assert_eq!(db.store().migrate().await.unwrap().applied, pending);
    assert!(!pending.is_empty());
}

#[tokio::test]
async fn an_empty_database_gets_everything_once_though_several_instances_start() {
    let db = TestDb::new().await;
    let name = format!("{}_empty", db.name());
    let mut admin = Admin::connect(&db.settings()).await.unwrap();
    admin.create_database(&name, None).await.unwrap();
    let settings = Settings::new(url_of_database(db.url(), &name));
    let store = Store::lazy(&settings, Arc::new(SystemClock)).unwrap();

    let pending = store.pending().await.unwrap();
    assert!(pending[0].ends_with("_create_access"), "{pending:?}");
    let (one, two, three) = tokio::join!(store.migrate(), store.migrate(), store.migrate());
    let applied: Vec<_> =
        [one, two, three].into_iter().flat_map(|migrated| migrated.unwrap().applied).collect();
    assert_eq!(applied, pending, "each was applied by one of them");
    assert!(store.pending().await.unwrap().is_empty());
    store.versions().await.unwrap();
    store.close().await;
    admin.drop_database(&name).await.unwrap();
}

#[tokio::test]
async fn the_first_jobs_find_a_partition_for_their_day() {
    let db = TestDb::new().await;
    run(
        &mut other(&db).await,
        "DO $$ BEGIN ASSERT (
             SELECT count(*) >= 16
             FROM pg_class
             WHERE relname ~ '^(job|outcome|attempt|log_line)_p[0-9]{8}$'
         ); END $$",
    )
    .await;
}

#[tokio::test]
async fn what_a_newer_release_applied_is_told_and_tolerated() {
    let db = TestDb::new().await;
    run(
        &mut other(&db).await,
        "INSERT INTO mindflight.migrations (version, description, success, checksum, execution_time)
         VALUES (99990101000000, 'later', true, '', 0)",
    )
    .await;
    let migrated = db.store().migrate().await.unwrap();
    assert_eq!(migrated.unknown, ["99990101000000"]);
    assert!(migrated.applied.is_empty());
    assert!(db.store().pending().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_database_with_another_history_is_refused_with_both_versions() {
    let db = TestDb::new().await;
    run(
        &mut other(&db).await,
        "INSERT INTO mindflight.migrations (version, description, success, checksum, execution_time)
         VALUES (20200101000000, 'strange', true, '', 0)",
    )
    .await;
    for error in [db.store().migrate().await.unwrap_err(), db.store().pending().await.unwrap_err()]
    {
        assert!(
            matches!(&error, Error::Diverged { unknown, .. } if unknown == "20200101000000"),
            "{error:?}"
        );
        assert!(error.to_string().contains("20200101000000"), "{error}");
    }
}

#[tokio::test]
async fn an_edited_migration_is_refused_by_name() {
    let db = TestDb::new().await;
    run(&mut other(&db).await, "UPDATE mindflight.migrations SET checksum = 'x'").await;
    let error = db.store().migrate().await.unwrap_err();
    assert!(matches!(&error, Error::Edited(name) if name.ends_with("_create_access")), "{error:?}");
}

#[tokio::test]
async fn a_role_without_the_right_to_make_schemas_can_migrate_one_that_was_made_for_it() {
    let db = TestDb::new().await;
    let name = format!("{}_owned", db.name());
    let role = format!("role_{name}");
    let mut admin = Admin::connect(&db.settings()).await.unwrap();
    admin.create_database(&name, None).await.unwrap();
    let url = url_of_database(db.url(), &name);
    let mut owner = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    let make = "SELECT format('CREATE ROLE %1$I LOGIN PASSWORD ''secret''; CREATE SCHEMA mindflight AUTHORIZATION %1$I', $1)";
    run_made(&mut owner, make, &role).await;

    let (before, after) = url.split_once("://").unwrap();
    let (_, server) = after.split_once('@').unwrap();
    let settings = Settings::new(format!("{before}://{role}:secret@{server}"));
    let store = Store::lazy(&settings, Arc::new(SystemClock)).unwrap();
    assert!(!store.migrate().await.unwrap().applied.is_empty());
    store.close().await;
    admin.drop_database(&name).await.unwrap();
    run_made(&mut other(&db).await, "SELECT format('DROP ROLE %I', $1)", &role).await;
}

/// Runs what the server makes of a statement and a name.
async fn run_made(db: &mut sqlx::PgConnection, make: &'static str, name: &str) {
    let made: String = sqlx::query_scalar(make).bind(name).fetch_one(&mut *db).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(made)).execute(db).await.unwrap();
}
