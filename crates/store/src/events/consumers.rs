//! Consumers: how far events have been turned into jobs. Whoever holds a consumer's row moves it and makes the jobs in
//! one transaction, so each event becomes one job, on whichever instance.

use sqlx::{PgConnection, Postgres, Transaction};

use super::Events;
use super::tick::{number, position};
use crate::db::commit;
use crate::jobs::{self, NewRow};
use crate::{Error, Result};

/// A consumer that is to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConsumer {
    /// Its name: that of the kind of its jobs.
    pub name: String,
    /// Which types it wants.
    pub pattern: String,
    /// Only of this source.
    pub source: Option<String>,
}

/// How far a consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Its name.
    pub name: String,
    /// Positions up to here are done.
    pub position: u64,
    /// Which history they belong to.
    pub epoch: String,
}

/// Consumers that nobody else can move now; let go when dropped.
pub struct Held {
    tx: Transaction<'static, Postgres>,
    /// Those that were free, by name.
    pub cursors: Vec<Cursor>,
}

impl Events {
    /// Has consumers be there. A new one begins with what is published from now on.
    ///
    /// # Errors
    /// When the database does not answer; also in the others.
    pub async fn consumers(&self, wanted: &[NewConsumer]) -> Result<Vec<Cursor>> {
        let work = async { register(&mut *self.db.connection().await?, wanted).await };
        self.db.bounded(work).await
    }

    /// Holds those of these consumers that nobody else holds.
    ///
    /// # Errors
    /// As [`consumers`](Self::consumers).
    pub async fn hold(&self, names: &[String]) -> Result<Held> {
        let work = async {
            let mut tx = self.db.begin().await?;
            let cursors = hold(&mut tx, names).await?;
            Ok(Held { tx, cursors })
        };
        self.db.bounded(work).await
    }
}

impl Held {
    /// Makes jobs and moves the consumers, or neither. Gives the queues that have jobs at once.
    ///
    /// # Errors
    /// As [`Events::consumers`].
    pub async fn advance(self, moves: &[Cursor], rows: &[NewRow]) -> Result<Vec<i16>> {
        let Self { mut tx, .. } = self;
        let made = jobs::insert(&mut tx, rows).await?;
        advance(&mut tx, moves).await?;
        let mut queues: Vec<i16> = rows
            .iter()
            .filter(|row| row.gate.is_none() && !made.existing.contains_key(&row.id))
            .map(|row| row.queue)
            .collect();
        if !made.gates.is_empty() {
            queues.extend(jobs::gates::admit(&mut tx, &made.gates).await?);
        }
        commit(tx).await?;
        Ok(jobs::gates::distinct(queues))
    }
}

async fn register(db: &mut PgConnection, wanted: &[NewConsumer]) -> Result<Vec<Cursor>> {
    let names: Vec<String> = wanted.iter().map(|one| one.name.clone()).collect();
    let patterns: Vec<String> = wanted.iter().map(|one| one.pattern.clone()).collect();
    let sources: Vec<Option<String>> = wanted.iter().map(|one| one.source.clone()).collect();
    let rows = sqlx::query!(
        r#"
        INSERT INTO mindflight.consumer (name, pattern, source, position, epoch)
        SELECT given.name, given.pattern, given.source,
            (SELECT base + n FROM mindflight.tick ORDER BY base DESC LIMIT 1), log.epoch
        FROM unnest($1::text[], $2::text[], $3::text[]) AS given (name, pattern, source)
        CROSS JOIN mindflight.event_log AS log
        ORDER BY given.name
        ON CONFLICT (name) DO UPDATE
        SET pattern = excluded.pattern,
            source = excluded.source,
            seen_at = clock_timestamp()
        RETURNING name, position, epoch
        "#,
        &names,
        &patterns,
        &sources as &[Option<String>],
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let cursor = |(name, at, epoch)| Cursor { name, position: position(at), epoch };
    Ok(rows.into_iter().map(|row| cursor((row.name, row.position, row.epoch))).collect())
}

async fn hold(db: &mut PgConnection, names: &[String]) -> Result<Vec<Cursor>> {
    let rows = sqlx::query!(
        r#"
        SELECT name, position, epoch
        FROM mindflight.consumer
        WHERE name = ANY ($1)
        ORDER BY name
        FOR UPDATE SKIP LOCKED
        "#,
        names,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let cursor = |(name, at, epoch)| Cursor { name, position: position(at), epoch };
    Ok(rows.into_iter().map(|row| cursor((row.name, row.position, row.epoch))).collect())
}

async fn advance(db: &mut PgConnection, moves: &[Cursor]) -> Result<()> {
    let names: Vec<String> = moves.iter().map(|cursor| cursor.name.clone()).collect();
    let positions: Vec<i64> = moves.iter().map(|cursor| number(cursor.position)).collect();
    sqlx::query!(
        r#"
        UPDATE mindflight.consumer
        SET position = moved.position,
            seen_at = clock_timestamp()
        FROM unnest($1::text[], $2::bigint[]) AS moved (name, position)
        WHERE consumer.name = moved.name
        "#,
        &names,
        &positions,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
