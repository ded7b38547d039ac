//! Publishing: rows of the log, on whatever connection, so that it is the same in and out of a transaction.

use std::collections::HashMap;

use mindflight_api::EventId;
use mindflight_core::ports::NewEvent;
use serde_json::Value;
use sqlx::PgConnection;

use super::Events;
use crate::db::commit;
use crate::{Error, Result, text};

/// An event as it is written. Its data and its type were checked by whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Its id.
    pub id: String,
    /// Whether the publisher gave the id: then the same again is the same event.
    pub is_given: bool,
    /// Its type.
    pub r#type: String,
    /// Who publishes it.
    pub source: String,
    /// What it belongs to.
    pub key: Option<String>,
    /// How many events caused one another before it.
    pub depth: u32,
    /// Shared by one chain.
    pub correlation_id: Option<String>,
    /// The trace that it is part of.
    pub traceparent: Option<String>,
    /// Its data, as JSON.
    pub data: String,
}

/// An event that is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its id.
    pub id: String,
    /// Its number, by which it can be found once it has a position.
    pub seq: i64,
    /// Whether it was there before.
    pub existing: bool,
}

impl NewRow {
    /// The row of an event that somebody wants to publish.
    ///
    /// # Errors
    /// As [`NewEvent::check`].
    pub fn of(event: NewEvent) -> mindflight_core::Result<Self> {
        let (data, depth) = (event.check()?, event.depth());
        let is_given = event.id.is_some();
        Ok(Self {
            id: event.id.unwrap_or_else(|| EventId::new().to_string()),
            is_given,
            r#type: event.r#type,
            source: event.source,
            key: event.key,
            depth,
            correlation_id: event.cause.map(|cause| cause.correlation_id),
            traceparent: None,
            data,
        })
    }
}

impl Events {
    /// Publishes events, all or none; durable when this returns.
    ///
    /// # Errors
    /// A conflict when an id was used for another event, or the database does not answer.
    pub async fn publish(&self, rows: &[NewRow]) -> Result<Vec<Published>> {
        let work = async {
            if rows.iter().any(|row| row.is_given) {
                let mut tx = self.db.begin().await?;
                let published = insert(&mut tx, rows).await?;
                commit(tx).await?;
                return Ok(published);
            }
            // One statement is a transaction.
            insert(&mut *self.db.connection().await?, rows).await
        };
        self.db.bounded(work).await
    }
}

/// Publishes events. Call it in a transaction if ids are given.
pub(crate) async fn insert(db: &mut PgConnection, rows: &[NewRow]) -> Result<Vec<Published>> {
    for row in rows {
        text::check("id", &row.id)?;
        text::check("key", row.key.as_deref().unwrap_or_default())?;
    }
    let given: Vec<&NewRow> = rows.iter().filter(|row| row.is_given).collect();
    let known = if given.is_empty() { HashMap::new() } else { take_ids(db, &given).await? };
    let mut fresh: Vec<&NewRow> = Vec::with_capacity(rows.len());
    for row in rows {
        let is_twice = row.is_given && fresh.iter().any(|other| is_same_id(row, other));
        if !is_twice && known.get(&key_of(row)).is_none_or(Option::is_none) {
            fresh.push(row);
        }
    }
    let seqs = write(db, &fresh).await?;
    if !given.is_empty() {
        note_seqs(db, &fresh, &seqs).await?;
    }
    let made: HashMap<(&str, &str), i64> =
        fresh.iter().zip(seqs).map(|(row, seq)| (key_of(row), seq)).collect();
    let mut seen = HashMap::new();
    let published = rows.iter().map(|row| {
        let existing = known.get(&key_of(row)).copied().flatten();
        let seq = existing.or_else(|| made.get(&key_of(row)).copied()).unwrap_or_default();
        let is_first = seen.insert(key_of(row), ()).is_none();
        Published { id: row.id.clone(), seq, existing: existing.is_some() || !is_first }
    });
    Ok(published.collect())
}

fn key_of(row: &NewRow) -> (&str, &str) {
    (&row.source, &row.id)
}

fn is_same_id(row: &NewRow, other: &NewRow) -> bool {
    other.is_given && key_of(row) == key_of(other)
}

/// The order of members does not matter.
fn is_same_event(row: &NewRow, other: &NewRow) -> bool {
    let data = |row: &NewRow| serde_json::from_str::<Value>(&row.data).ok();
    (&row.r#type, &row.key) == (&other.r#type, &other.key)
        && (row.data == other.data || data(row) == data(other))
}

type Ids<'a> = HashMap<(&'a str, &'a str), Option<i64>>;

/// Takes ids for events; those that were taken before have the number of their event.
async fn take_ids<'a>(db: &mut PgConnection, given: &[&'a NewRow]) -> Result<Ids<'a>> {
    let mut wanted: Vec<&NewRow> = given.to_vec();
    // Everybody takes ids in the same order, or two publishers could wait for each other.
    wanted.sort_unstable_by_key(|row| key_of(row));
    for pair in wanted.windows(2) {
        if key_of(pair[0]) == key_of(pair[1]) && !is_same_event(pair[0], pair[1]) {
            return Err(taken(&pair[0].id));
        }
    }
    wanted.dedup_by_key(|row| key_of(row));
    let columns = Columns::of(&wanted);
    let rows = sqlx::query!(
        r#"
        WITH given AS MATERIALIZED (
            SELECT source, id, sha256(convert_to(concat_ws(chr(31), type, coalesce(key, ''), data::jsonb), 'UTF8')) AS fingerprint
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS row (source, id, type, key, data)
        ),
        taken AS (
            INSERT INTO mindflight.event_id (source, id, fingerprint)
            SELECT source, id, fingerprint
            FROM given
            ORDER BY source, id
            ON CONFLICT (source, id) DO NOTHING
            RETURNING source, id
        )
        SELECT given.source AS "source!", given.id AS "id!", given.fingerprint AS "fingerprint!"
        FROM given
        WHERE NOT EXISTS (SELECT FROM taken WHERE taken.source = given.source AND taken.id = given.id)
        "#,
        &columns.source,
        &columns.id,
        &columns.r#type,
        &columns.key as &[Option<String>],
        &columns.data,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    let mut known: Ids<'a> = given.iter().map(|row| (key_of(row), None)).collect();
    for row in rows {
        let (seq, fingerprint) = holder(db, &row.source, &row.id).await?;
        if fingerprint != row.fingerprint {
            return Err(taken(&row.id));
        }
        let same = given.iter().find(|one| one.source == row.source && one.id == row.id);
        if let Some(same) = same {
            known.insert(key_of(same), Some(seq));
        }
    }
    Ok(known)
}

fn taken(id: &str) -> Error {
    Error::conflict(format!("the id {id:?} was used for another event within the last 24 hours"))
}

/// A statement of its own: it sees what whoever took the id first has committed.
async fn holder(db: &mut PgConnection, source: &str, id: &str) -> Result<(i64, Vec<u8>)> {
    let row = sqlx::query!(
        r#"
        SELECT seq, fingerprint
        FROM mindflight.event_id
        WHERE source = $1
            AND id = $2
        "#,
        source,
        id,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    // It was swept away just now: whoever tries again is the first.
    let row = row.ok_or_else(|| Error::conflict(format!("the id {id:?} was given up just now")))?;
    Ok((row.seq.unwrap_or_default(), row.fingerprint))
}

async fn note_seqs(db: &mut PgConnection, fresh: &[&NewRow], seqs: &[i64]) -> Result<()> {
    let given = fresh.iter().zip(seqs).filter(|(row, _)| row.is_given);
    let (mut sources, mut ids, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (row, seq) in given {
        sources.push(row.source.clone());
        ids.push(row.id.clone());
        numbers.push(*seq);
    }
    sqlx::query!(
        r#"
        UPDATE mindflight.event_id
        SET seq = given.seq
        FROM unnest($1::text[], $2::text[], $3::bigint[]) AS given (source, id, seq)
        WHERE event_id.source = given.source
            AND event_id.id = given.id
        "#,
        &sources,
        &ids,
        &numbers,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Events as columns, as the server takes them.
#[derive(Default)]
struct Columns {
    id: Vec<String>,
    r#type: Vec<String>,
    source: Vec<String>,
    key: Vec<Option<String>>,
    depth: Vec<i16>,
    correlation_id: Vec<Option<String>>,
    traceparent: Vec<Option<String>>,
    data: Vec<String>,
}

impl Columns {
    fn of(rows: &[&NewRow]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            columns.id.push(row.id.clone());
            columns.r#type.push(row.r#type.clone());
            columns.source.push(row.source.clone());
            columns.key.push(row.key.clone());
            columns.depth.push(i16::try_from(row.depth).unwrap_or(i16::MAX));
            columns.correlation_id.push(row.correlation_id.clone());
            columns.traceparent.push(row.traceparent.clone());
            columns.data.push(row.data.clone());
        }
        columns
    }
}

/// The numbers of the rows, in their order.
async fn write(db: &mut PgConnection, rows: &[&NewRow]) -> Result<Vec<i64>> {
    match rows {
        [] => return Ok(Vec::new()),
        // Most come alone, and need no columns.
        [row] => return Ok(vec![write_one(db, row).await?]),
        _ => {}
    }
    let columns = Columns::of(rows);
    // Numbers are given after the sort, so that events of one call stay in their order.
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.event (id, type, source, key, depth, correlation_id, traceparent, data)
        SELECT id, type, source, key, depth, correlation_id, traceparent, data::json
        FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::text[], $8::text[]
        ) WITH ORDINALITY AS row (id, type, source, key, depth, correlation_id, traceparent, data, ord)
        ORDER BY ord
        RETURNING seq
        "#,
        &columns.id,
        &columns.r#type,
        &columns.source,
        &columns.key as &[Option<String>],
        &columns.depth,
        &columns.correlation_id as &[Option<String>],
        &columns.traceparent as &[Option<String>],
        &columns.data,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn write_one(db: &mut PgConnection, row: &NewRow) -> Result<i64> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.event (id, type, source, key, depth, correlation_id, traceparent, data)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::json)
        RETURNING seq
        "#,
        row.id,
        row.r#type,
        row.source,
        row.key,
        i16::try_from(row.depth).unwrap_or(i16::MAX),
        row.correlation_id,
        row.traceparent,
        row.data,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}
