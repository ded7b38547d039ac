//! The migrations of `migrations/`, embedded: what is missing, and applying it one instance at a time.

use std::collections::HashSet;

use sqlx::migrate::{Migrate as _, MigrateError, Migration, Migrator};
use sqlx::{Connection as _, PgConnection};

use crate::jobs::make_first;
use crate::{Error, Result, Settings};

static EMBEDDED: Migrator = sqlx::migrate!("../../migrations");

/// Beside the tables that it is about, so that dropping the schema leaves nothing.
const TABLE: &str = "mindflight.migrations";

/// What bringing the schema up to date did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// What was applied now, in this order.
    pub applied: Vec<String>,
    /// What a newer release has applied and this one does not know. It is made to be usable all the
    /// same, and worth a warning.
    pub unknown: Vec<String>,
}

/// A number that changes with the migrations: databases with the same one have the same schema.
#[must_use]
pub fn fingerprint() -> u64 {
    // FNV-1a, so that every build of the same migrations gives the same.
    known()
        .flat_map(|migration| migration.checksum.iter())
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
}

/// Applies what is missing. Whoever comes second waits, and finds nothing to do.
pub(crate) async fn apply(settings: &Settings) -> Result<Migrated> {
    // A connection of its own: the statements may take as long as they need.
    let mut db = settings.connect_direct(&settings.unlimited_direct()?).await?;
    // Held until the connection ends; what follows takes the same lock again.
    db.lock().await.map_err(failed)?;
    let before = applied(&mut db).await?;
    let migrator = migrator(schema_is_there(&mut db).await?);
    migrator.run(&mut db).await.map_err(failed)?;
    // Somebody may have a lock on the tables: whoever keeps house makes them as soon as it can.
    make_first(&mut db).await.unwrap_or_default();
    // The work is done whether or not the server hears the farewell.
    db.close().await.unwrap_or_default();
    Ok(Migrated { applied: missing(&before), unknown: unknown(&before)? })
}

/// What is missing.
pub(crate) async fn pending(db: &mut PgConnection) -> Result<Vec<String>> {
    let applied = applied(db).await?;
    unknown(&applied)?;
    Ok(missing(&applied))
}

fn migrator(schema_is_there: bool) -> Migrator {
    let mut migrator = Migrator { migrations: EMBEDDED.migrations.clone(), ..Migrator::DEFAULT };
    migrator.dangerous_set_table_name(TABLE);
    migrator.set_ignore_missing(true);
    if !schema_is_there {
        // Asking for it needs a right that a role need not have where the schema was made for it.
        migrator.create_schema("mindflight");
    }
    migrator
}

fn known() -> impl Iterator<Item = &'static Migration> {
    EMBEDDED.iter().filter(|migration| migration.migration_type.is_up_migration())
}

fn name(migration: &Migration) -> String {
    format!("{}_{}", migration.version, migration.description.replace(' ', "_"))
}

fn name_of(version: i64) -> String {
    known().find(|migration| migration.version == version).map_or_else(|| version.to_string(), name)
}

async fn schema_is_there(db: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT to_regnamespace('mindflight') IS NOT NULL AS "there!"
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

/// The versions that the database has.
async fn applied(db: &mut PgConnection) -> Result<HashSet<i64>> {
    let there = sqlx::query_scalar!(
        r#"
        SELECT to_regclass($1) IS NOT NULL AS "there!"
        "#,
        TABLE,
    )
    .fetch_one(&mut *db)
    .await
    .map_err(Error::of)?;
    if !there {
        return Ok(HashSet::new());
    }
    let applied = db.list_applied_migrations(TABLE).await.map_err(failed)?;
    Ok(applied.into_iter().map(|migration| migration.version).collect())
}

fn missing(applied: &HashSet<i64>) -> Vec<String> {
    known().filter(|migration| !applied.contains(&migration.version)).map(name).collect()
}

/// What only a newer release knows; what is older than the newest of ours is of another history.
fn unknown(applied: &HashSet<i64>) -> Result<Vec<String>> {
    let known: HashSet<i64> = known().map(|migration| migration.version).collect();
    let newest = known.iter().copied().max().unwrap_or_default();
    let mut unknown: Vec<i64> = applied.difference(&known).copied().collect();
    unknown.sort_unstable();
    match unknown.first() {
        Some(oldest) if *oldest < newest => {
            Err(Error::Diverged { unknown: oldest.to_string(), newest: name_of(newest) })
        }
        _ => Ok(unknown.iter().map(i64::to_string).collect()),
    }
}

fn failed(error: MigrateError) -> Error {
    if let MigrateError::Execute(error) = error {
        Error::of(error)
    } else if let MigrateError::ExecuteMigration(error, version) = error {
        let error = Error::of(error);
        if matches!(error, Error::Unavailable(_) | Error::Timeout(_)) {
            return error;
        }
        Error::Migration { name: name_of(version), source: error.into() }
    } else if let MigrateError::VersionMismatch(version) = error {
        Error::Edited(name_of(version))
    } else {
        Error::Internal(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_migrations_are_told_and_older_strangers_are_refused() {
        let ours: HashSet<i64> = known().map(|migration| migration.version).collect();
        let with = |version| ours.iter().copied().chain([version]).collect::<HashSet<i64>>();
        assert_eq!(unknown(&ours).unwrap(), Vec::<String>::new());
        assert_eq!(unknown(&with(99990101000000)).unwrap(), ["99990101000000"]);

        let error = unknown(&with(20200101000000)).unwrap_err().to_string();
        assert!(error.contains("20200101000000"), "{error}");
        let newest = name_of(ours.iter().copied().max().unwrap());
        assert!(error.contains(&newest), "{error}");
    }

    #[test]
    fn every_migration_can_be_taken_back() {
        for up in known() {
            let down = EMBEDDED.iter().any(|other| {
                other.version == up.version && other.migration_type.is_down_migration()
            });
            assert!(down, "{} has no .down.sql", name(up));
        }
    }
}
