//! The statements on `mindflight.memory`, on whatever connection, so that they are the same in and out of a transaction.
//!
//! A key that is there is locked by its row, one that is not by an advisory lock on its name: whoever makes
//! a row takes that, so a transaction that found nothing still finds nothing when it writes.

use chrono::{DateTime, Utc};
use mindflight_core::ports::{Stored, Written};
use serde_json::Value;
use sqlx::PgConnection;

use super::limits::{New, Place, Range};
use crate::{Error, Result};

/// How often a key may appear and vanish under a writer before it gives up.
const ATTEMPTS: u32 = 16;

struct Row {
    key: String,
    value: Value,
    version: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            value: row.value,
            version: row.version.unsigned_abs(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}

pub(crate) async fn read(
    db: &mut PgConnection,
    place: Place<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Stored>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        SELECT key, value, version, created_at, updated_at, expires_at
        FROM mindflight.memory
        WHERE space = $1
            AND key = $2
            AND (expires_at IS NULL OR expires_at > $3)
        "#,
        place.space,
        place.key,
        now,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(row.map(Stored::from))
}

/// As [`read`], and nobody else can write or make the key until the transaction ends.
pub(crate) async fn read_locked(
    db: &mut PgConnection,
    place: Place<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Stored>> {
    let row = match lock_row(db, place).await? {
        Some(row) => Some(row),
        None => {
            lock_name(db, place).await?;
            // Whoever held the name may have made the row meanwhile.
            lock_row(db, place).await?
        }
    };
    Ok(row.filter(|row| row.expires_at.is_none_or(|end| end > now)).map(Stored::from))
}

async fn lock_row(db: &mut PgConnection, place: Place<'_>) -> Result<Option<Row>> {
    sqlx::query_as!(
        Row,
        r#"
        SELECT key, value, version, created_at, updated_at, expires_at
        FROM mindflight.memory
        WHERE space = $1
            AND key = $2
        FOR UPDATE
        "#,
        place.space,
        place.key,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)
}

async fn lock_name(db: &mut PgConnection, place: Place<'_>) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))
        "#,
        place.space,
        place.key,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

pub(crate) async fn write(db: &mut PgConnection, place: Place<'_>, new: &New) -> Result<Written> {
    for _ in 0..ATTEMPTS {
        if let Some(held) = replace(db, place, new).await? {
            return held.written(place, new);
        }
        if new.if_version.is_some_and(|version| version > 0) {
            return Err(wrong_version(place, new, 0));
        }
        if insert(db, place, new).await? {
            return Ok(Written { version: 1, previous: None });
        }
    }
    Err(unsteady())
}

/// What a writer found.
struct Held {
    version: i64,
    previous: Option<Value>,
    written: Option<i64>,
}

impl Held {
    fn written(self, place: Place<'_>, new: &New) -> Result<Written> {
        match self.written {
            Some(version) => {
                Ok(Written { version: version.unsigned_abs(), previous: self.previous })
            }
            None => Err(wrong_version(place, new, self.version)),
        }
    }
}

/// Writes over the row, if there is one and its version is the expected one: `None` if there is no row.
async fn replace(db: &mut PgConnection, place: Place<'_>, new: &New) -> Result<Option<Held>> {
    sqlx::query_file_as!(
        Held,
        "queries/memory/replace.sql",
        place.space,
        place.key,
        new.json,
        new.now,
        new.expires_at,
        new.if_version,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)
}

/// Makes the row; false if somebody else just did.
async fn insert(db: &mut PgConnection, place: Place<'_>, new: &New) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        WITH name AS MATERIALIZED (
            SELECT pg_advisory_xact_lock(hashtextextended($1 || chr(31) || $2, 0))
        )
        INSERT INTO mindflight.memory
            (space, key, value, version, created_at, updated_at, expires_at)
        SELECT $1, $2, $3::text::json, 1, $4::timestamptz, $4::timestamptz, $5::timestamptz
        FROM name
        ON CONFLICT (space, key) DO NOTHING
        "#,
        place.space,
        place.key,
        new.json,
        new.now,
        new.expires_at,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn add(
    db: &mut PgConnection,
    place: Place<'_>,
    by: i64,
    now: DateTime<Utc>,
) -> Result<i64> {
    for _ in 0..ATTEMPTS {
        if let Some(summed) = increase(db, place, by, now).await? {
            return summed.checked(place);
        }
        let new = New { json: by.to_string(), if_version: None, now, expires_at: None };
        if insert(db, place, &new).await? {
            return Ok(by);
        }
    }
    Err(unsteady())
}

/// What adding gave.
struct Summed {
    was_integer: bool,
    sum: Option<i64>,
}

impl Summed {
    fn checked(self, place: Place<'_>) -> Result<i64> {
        let key = place.key;
        self.sum.ok_or_else(|| {
            Error::conflict(if self.was_integer {
                format!("adding to the key \"{key}\" passes the range of 64-bit integers")
            } else {
                format!("the key \"{key}\" holds a value that is no integer")
            })
        })
    }
}

/// Adds to the row, if there is one: `None` if there is no row. Nothing raises an error here, since
/// that would end a transaction around it.
async fn increase(
    db: &mut PgConnection,
    place: Place<'_>,
    by: i64,
    now: DateTime<Utc>,
) -> Result<Option<Summed>> {
    sqlx::query_file_as!(Summed, "queries/memory/increase.sql", place.space, place.key, by, now,)
        .fetch_optional(db)
        .await
        .map_err(Error::of)
}

pub(crate) async fn remove(
    db: &mut PgConnection,
    place: Place<'_>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let was_there = sqlx::query_scalar!(
        r#"
        DELETE FROM mindflight.memory
        WHERE space = $1
            AND key = $2
        RETURNING coalesce(expires_at > $3, true) AS "was_there!"
        "#,
        place.space,
        place.key,
        now,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(was_there.unwrap_or(false))
}

pub(crate) async fn list(
    db: &mut PgConnection,
    range: &Range<'_>,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Stored>> {
    let found = sqlx::query_as!(
        Row,
        r#"
        SELECT key, value, version, created_at, updated_at, expires_at
        FROM mindflight.memory
        WHERE space = $1
            AND key >= $2
            AND key < $3
            AND key IS DISTINCT FROM $4
            AND (expires_at IS NULL OR expires_at > $5)
        ORDER BY key
        LIMIT $6
        "#,
        range.space,
        range.from,
        &range.below,
        range.but,
        now,
        crate::db::rows(limit),
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(found.into_iter().map(Stored::from).collect())
}

/// As [`list`], without the values: those can be large.
pub(crate) async fn keys(
    db: &mut PgConnection,
    range: &Range<'_>,
    now: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(String, DateTime<Utc>)>> {
    let found = sqlx::query!(
        r#"
        SELECT key, created_at
        FROM mindflight.memory
        WHERE space = $1
            AND key >= $2
            AND key < $3
            AND key IS DISTINCT FROM $4
            AND (expires_at IS NULL OR expires_at > $5)
        ORDER BY key
        LIMIT $6
        "#,
        range.space,
        range.from,
        &range.below,
        range.but,
        now,
        crate::db::rows(limit),
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(found.into_iter().map(|row| (row.key, row.created_at)).collect())
}

/// Rows that somebody works with are left for the next time.
pub(crate) async fn sweep(db: &mut PgConnection, now: DateTime<Utc>, limit: u32) -> Result<u64> {
    let done = sqlx::query!(
        r#"
        WITH old AS (
            SELECT space, key
            FROM mindflight.memory
            WHERE expires_at <= $1
            ORDER BY expires_at
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        DELETE FROM mindflight.memory AS entry
        USING old
        WHERE entry.space = old.space
            AND entry.key = old.key
        "#,
        now,
        crate::db::rows(limit),
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(done.rows_affected())
}

fn wrong_version(place: Place<'_>, new: &New, found: i64) -> Error {
    let key = place.key;
    let expected = new.if_version.unwrap_or_default();
    Error::conflict(match (found, expected) {
        (0, _) => format!("the key \"{key}\" is not there; version {expected} was expected"),
        (_, 0) => {
            format!("the key \"{key}\" is there, at version {found}; it was expected not to be")
        }
        _ => format!("the key \"{key}\" is at version {found}; version {expected} was expected"),
    })
}

fn unsteady() -> Error {
    Error::Unavailable(format!("a key appeared and vanished {ATTEMPTS} times in a row").into())
}
