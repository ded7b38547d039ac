//! Making jobs: bodies, keys and places, on whatever connection, so that it is the same in and out of a transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::gates;
use crate::{Error, Result};

/// Arguments up to this many bytes are copied beside the place in the queue, which spares the claim a look-up.
const INLINE: usize = 1024;

/// Most rows of one statement; larger ones are slower.
const CHUNK: usize = 1000;

/// How often a key may be taken and given back under a writer before it gives up.
const ATTEMPTS: u32 = 16;

/// When a job may start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Due {
    /// At once.
    Now,
    /// After this long, on the database's clock.
    After(Duration),
    /// At this time, on the database's clock.
    At(DateTime<Utc>),
}

/// A job as it is written.
#[derive(Debug, Clone)]
pub struct NewRow {
    /// Its id.
    pub id: JobId,
    /// The number of its kind.
    pub kind: i32,
    /// The number of its queue.
    pub queue: i16,
    /// 0–9, lower first.
    pub priority: u8,
    /// Attempts before it has failed.
    pub max_attempts: u16,
    /// When it may start.
    pub due: Due,
    /// Arguments, as JSON.
    pub args: String,
    /// What few jobs have.
    pub meta: Option<Value>,
    /// Whether the handler needs what is in `meta`.
    pub needs_meta: bool,
    /// A key of which one unfinished job at most exists, and whether it is given back when an attempt starts.
    pub unique: Option<(String, bool)>,
    /// The number of the gate it passes first.
    pub gate: Option<i32>,
    /// The number of the gate it passes then.
    pub outer_gate: Option<i32>,
    /// It starts once these have ended.
    pub after: Vec<JobId>,
    /// Others of the same rows start once it has ended.
    pub is_awaited: bool,
}

/// What making jobs came to.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// For each row, the id of the unfinished job that has its key, if there was one.
    pub(crate) existing: HashMap<JobId, JobId>,
    /// Where jobs wait to be let in, at the end of the transaction.
    pub(crate) gates: Vec<i32>,
}

/// Makes jobs, and lets in those that wait at gates. Call it in a transaction unless [`is_one_statement`].
pub(super) async fn make(db: &mut PgConnection, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
    let made = insert(db, rows).await?;
    if !made.gates.is_empty() {
        gates::admit(db, &made.gates).await?;
    }
    Ok(made.existing)
}

/// Makes jobs. Those at gates wait there until [`gates::admit`], which comes last in a transaction: whoever holds
/// a gate must wait for nothing else.
pub(crate) async fn insert(db: &mut PgConnection, rows: &[NewRow]) -> Result<Made> {
    // All keys at once, or they would not be taken in their order.
    let existing = take_keys(db, rows).await?;
    let fresh: Vec<&NewRow> = rows.iter().filter(|row| !existing.contains_key(&row.id)).collect();
    for chunk in fresh.chunks(CHUNK) {
        write(db, chunk).await?;
    }
    let mut gates: Vec<i32> = fresh.iter().filter_map(|row| row.gate).collect();
    gates.sort_unstable();
    gates.dedup();
    Ok(Made { existing, gates })
}

/// Whether making these jobs is one statement, and so needs no transaction.
pub(super) fn is_one_statement(rows: &[NewRow]) -> bool {
    rows.len() <= CHUNK && rows.iter().all(|row| row.unique.is_none() && row.gate.is_none())
}

/// Which of these jobs are there.
pub(super) async fn there(db: &mut PgConnection, rows: &[NewRow]) -> Result<HashSet<JobId>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let there = sqlx::query_scalar!(
        r#"
        SELECT id
        FROM mindflight.job
        WHERE id = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(there.into_iter().map(JobId::from).collect())
}

async fn take_keys(db: &mut PgConnection, rows: &[NewRow]) -> Result<HashMap<JobId, JobId>> {
    let mut wanted: Vec<(&str, Uuid, bool)> = rows
        .iter()
        .filter_map(|row| {
            let (key, until_start) = row.unique.as_ref()?;
            Some((key.as_str(), row.id.uuid(), *until_start))
        })
        .collect();
    // Everybody takes keys in the same order, or two writers could wait for each other.
    wanted.sort_unstable();
    let mut existing = HashMap::new();
    for _ in 0..ATTEMPTS {
        if wanted.is_empty() {
            return Ok(existing);
        }
        let taken = insert_keys(db, &wanted).await?;
        let holders = holders(db, &wanted).await?;
        wanted.retain(|(key, id, _)| {
            if taken.contains(id) {
                return false;
            }
            match holders.get(*key) {
                Some(holder) => {
                    existing.insert(JobId::from(*id), JobId::from(*holder));
                    false
                }
                // It was given back just now: try again.
                None => true,
            }
        });
    }
    Err(Error::conflict("the unique key changes hands too fast".to_owned()))
}

async fn insert_keys(db: &mut PgConnection, wanted: &[(&str, Uuid, bool)]) -> Result<Vec<Uuid>> {
    let keys: Vec<String> = wanted.iter().map(|(key, ..)| (*key).to_owned()).collect();
    let ids: Vec<Uuid> = wanted.iter().map(|(_, id, _)| *id).collect();
    let until_start: Vec<bool> = wanted.iter().map(|(.., until_start)| *until_start).collect();
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.unique_key (key, job, until_start)
        SELECT key, job, until_start
        FROM unnest($1::text[], $2::uuid[], $3::boolean[]) AS wanted (key, job, until_start)
        ORDER BY key
        ON CONFLICT (key) DO NOTHING
        RETURNING job
        "#,
        &keys,
        &ids,
        &until_start,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn holders(
    db: &mut PgConnection,
    wanted: &[(&str, Uuid, bool)],
) -> Result<HashMap<String, Uuid>> {
    let keys: Vec<String> = wanted.iter().map(|(key, ..)| (*key).to_owned()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT key, job
        FROM mindflight.unique_key
        WHERE key = ANY ($1)
        "#,
        &keys,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.key, row.job)).collect())
}

/// The rows as columns, as the server takes them.
#[derive(Default)]
struct Columns {
    id: Vec<Uuid>,
    kind: Vec<i32>,
    queue: Vec<i16>,
    priority: Vec<i16>,
    max_attempts: Vec<i16>,
    args: Vec<String>,
    meta: Vec<Option<Value>>,
    inline: Vec<bool>,
    is_unique: Vec<bool>,
    is_awaited: Vec<bool>,
    waits: Vec<bool>,
    gate: Vec<Option<i32>>,
    outer_gate: Vec<Option<i32>>,
    delay: Vec<Option<f64>>,
    run_at: Vec<Option<DateTime<Utc>>>,
}

impl Columns {
    fn push(&mut self, row: &NewRow) {
        self.id.push(row.id.uuid());
        self.kind.push(row.kind);
        self.queue.push(row.queue);
        self.priority.push(i16::from(row.priority.min(9)));
        self.max_attempts.push(i16::try_from(row.max_attempts.max(1)).unwrap_or(i16::MAX));
        self.args.push(row.args.clone());
        self.meta.push(row.meta.clone());
        self.inline.push(row.args.len() <= INLINE && !row.needs_meta);
        self.is_unique.push(row.unique.is_some());
        self.is_awaited.push(row.is_awaited);
        self.waits.push(!row.after.is_empty());
        self.gate.push(row.gate);
        self.outer_gate.push(row.outer_gate);
        let (delay, run_at) = match row.due {
            Due::Now => (None, None),
            Due::After(delay) => (Some(delay.as_secs_f64()), None),
            Due::At(time) => (None, Some(time)),
        };
        self.delay.push(delay);
        self.run_at.push(run_at);
    }
}

async fn write(db: &mut PgConnection, rows: &[&NewRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.push(row));
    sqlx::query_file!(
        "queries/jobs/insert.sql",
        &columns.id,
        &columns.kind,
        &columns.queue,
        &columns.priority,
        &columns.max_attempts,
        &columns.args,
        &columns.meta as &[Option<Value>],
        &columns.inline,
        &columns.is_unique,
        &columns.is_awaited,
        &columns.waits,
        &columns.gate as &[Option<i32>],
        &columns.outer_gate as &[Option<i32>],
        &columns.delay as &[Option<f64>],
        &columns.run_at as &[Option<DateTime<Utc>>],
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
