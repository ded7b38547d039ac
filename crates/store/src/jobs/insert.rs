//! Making jobs: bodies, keys and places, on whatever connection, so that it is the same in and out of a transaction.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::completer::give_back_keys;
use super::dependents::{self, Links};
use super::gates;
use crate::{Error, Result};

/// Arguments up to this many bytes are copied beside the place in the queue, which spares the claim a look-up.
pub(super) const INLINE: usize = 1024;

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
    /// A key that one job at a time has.
    pub unique: Option<UniqueKey>,
    /// The number of the gate it passes first.
    pub gate: Option<i32>,
    /// The number of the gate it passes then.
    pub outer_gate: Option<i32>,
    /// It starts once these have ended.
    pub after: Vec<JobId>,
    /// Others of the same rows start once it has ended.
    pub is_awaited: bool,
}

impl NewRow {
    /// Whether it has a key that is given back when it starts or ends.
    fn gives_key_back(&self) -> bool {
        self.unique.as_ref().is_some_and(|unique| unique.expires_at.is_none())
    }
}

/// A key that one job at a time has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueKey {
    /// The key.
    pub key: String,
    /// It is given back when an attempt starts, instead of when the job ends.
    pub until_start: bool,
    /// It is taken until then, whatever becomes of the job.
    pub expires_at: Option<DateTime<Utc>>,
}

impl NewRow {
    /// Whether all that its handler needs is copied beside its place in the queue.
    pub(super) fn is_inline(&self) -> bool {
        self.args.len() <= INLINE && !self.needs_meta
    }
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
    let links = links(&fresh, &existing);
    let (inside, outside) = parents(&fresh, &links);
    let ended = match outside.is_empty() {
        true => Vec::new(),
        false => dependents::expect(db, &outside).await?,
    };
    for chunk in fresh.chunks(CHUNK) {
        write(db, chunk, &inside).await?;
    }
    let mut gates: Vec<i32> =
        fresh.iter().filter(|row| row.after.is_empty()).filter_map(|row| row.gate).collect();
    if !links.is_empty() {
        links.write(db).await?;
        let settled = dependents::settle_new(db, &links.waiting_for(&ended)).await?;
        if !settled.keys.is_empty() {
            give_back_keys(db, &settled.keys).await?;
        }
        gates.extend(settled.gates);
    }
    gates.sort_unstable();
    gates.dedup();
    Ok(Made { existing, gates })
}

/// Who waits for whom: for the job that was there already, where one has its unique key.
fn links(rows: &[&NewRow], existing: &HashMap<JobId, JobId>) -> Links {
    let mut links = Links::default();
    for row in rows {
        let parents = row.after.iter().map(|id| existing.get(id).unwrap_or(id));
        links.push(row.id, parents.copied());
    }
    links
}

/// What is waited for: of these rows, and of what was there before.
fn parents(rows: &[&NewRow], links: &Links) -> (HashSet<Uuid>, Vec<Uuid>) {
    let parents = links.parents();
    if parents.is_empty() {
        return Default::default();
    }
    let own: HashSet<Uuid> = rows.iter().map(|row| row.id.uuid()).collect();
    let (inside, outside): (HashSet<Uuid>, HashSet<Uuid>) =
        parents.into_iter().partition(|parent| own.contains(parent));
    let mut outside: Vec<Uuid> = outside.into_iter().collect();
    outside.sort_unstable();
    (inside, outside)
}

/// Whether making these jobs is one statement, and so needs no transaction.
pub(super) fn is_one_statement(rows: &[NewRow]) -> bool {
    let is_simple =
        |row: &NewRow| row.unique.is_none() && row.gate.is_none() && row.after.is_empty();
    rows.len() <= CHUNK && rows.iter().all(is_simple)
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
    let mut wanted: Vec<(&UniqueKey, Uuid)> =
        rows.iter().filter_map(|row| Some((row.unique.as_ref()?, row.id.uuid()))).collect();
    // Everybody takes keys in the same order, or two writers could wait for each other.
    wanted.sort_unstable_by(|(one, id), (other, next)| (&one.key, id).cmp(&(&other.key, next)));
    if wanted.iter().any(|(unique, _)| unique.expires_at.is_some()) {
        sweep(db, &wanted).await?;
    }
    let mut existing = HashMap::new();
    for _ in 0..ATTEMPTS {
        if wanted.is_empty() {
            return Ok(existing);
        }
        let taken = insert_keys(db, &wanted).await?;
        let holders = holders(db, &wanted).await?;
        wanted.retain(|(unique, id)| {
            if taken.contains(id) {
                return false;
            }
            match holders.get(&unique.key) {
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

/// Each key once, for the first of those who want it.
async fn insert_keys(db: &mut PgConnection, wanted: &[(&UniqueKey, Uuid)]) -> Result<Vec<Uuid>> {
    let mut first: Vec<&(&UniqueKey, Uuid)> = wanted.iter().collect();
    first.dedup_by(|next, before| next.0.key == before.0.key);
    let keys: Vec<String> = first.iter().map(|(unique, _)| unique.key.clone()).collect();
    let ids: Vec<Uuid> = first.iter().map(|(_, id)| *id).collect();
    let until_start: Vec<bool> = first.iter().map(|(unique, _)| unique.until_start).collect();
    let expires_at: Vec<Option<DateTime<Utc>>> =
        first.iter().map(|(unique, _)| unique.expires_at).collect();
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.unique_key (key, job, until_start, expires_at)
        SELECT key, job, until_start, expires_at
        FROM unnest($1::text[], $2::uuid[], $3::boolean[], $4::timestamptz[])
            AS wanted (key, job, until_start, expires_at)
        ORDER BY key
        ON CONFLICT (key) DO NOTHING
        RETURNING job
        "#,
        &keys,
        &ids,
        &until_start,
        &expires_at as &[Option<DateTime<Utc>>],
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// Takes away those of these keys whose time is over. Only those are locked: whoever ends the job of another waits
/// for nobody who wants its key.
async fn sweep(db: &mut PgConnection, wanted: &[(&UniqueKey, Uuid)]) -> Result<()> {
    let keys: Vec<String> = wanted.iter().map(|(unique, _)| unique.key.clone()).collect();
    sqlx::query!(
        r#"
        DELETE FROM mindflight.unique_key
        WHERE key = ANY (ARRAY(
            SELECT key
            FROM mindflight.unique_key
            WHERE key = ANY ($1)
                AND expires_at <= clock_timestamp()
            ORDER BY key
            FOR UPDATE
        ))
        "#,
        &keys,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn holders(
    db: &mut PgConnection,
    wanted: &[(&UniqueKey, Uuid)],
) -> Result<HashMap<String, Uuid>> {
    let keys: Vec<String> = wanted.iter().map(|(unique, _)| unique.key.clone()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT key, job
        FROM mindflight.unique_key
        WHERE key = ANY ($1)
            AND (expires_at IS NULL OR expires_at > clock_timestamp())
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
pub(super) struct Columns<'a> {
    pub(super) id: Vec<Uuid>,
    pub(super) kind: Vec<i32>,
    pub(super) queue: Vec<i16>,
    pub(super) priority: Vec<i16>,
    pub(super) max_attempts: Vec<i16>,
    pub(super) args: Vec<&'a str>,
    pub(super) meta: Vec<Option<Value>>,
    pub(super) inline: Vec<bool>,
    is_unique: Vec<bool>,
    is_awaited: Vec<bool>,
    waits: Vec<bool>,
    gate: Vec<Option<i32>>,
    outer_gate: Vec<Option<i32>>,
    delay: Vec<Option<f64>>,
    run_at: Vec<Option<DateTime<Utc>>>,
}

impl<'a> Columns<'a> {
    pub(super) fn push(&mut self, row: &'a NewRow, is_awaited: bool) {
        self.id.push(row.id.uuid());
        self.kind.push(row.kind);
        self.queue.push(row.queue);
        self.priority.push(i16::from(row.priority.min(9)));
        self.max_attempts.push(i16::try_from(row.max_attempts.max(1)).unwrap_or(i16::MAX));
        self.args.push(&row.args);
        self.meta.push(row.meta.clone());
        self.inline.push(row.is_inline());
        self.is_unique.push(row.gives_key_back());
        self.is_awaited.push(is_awaited);
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

async fn write(db: &mut PgConnection, rows: &[&NewRow], awaited: &HashSet<Uuid>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::default();
    for row in rows {
        columns.push(row, row.is_awaited || awaited.contains(&row.id.uuid()));
    }
    sqlx::query_file!(
        "queries/jobs/insert.sql",
        &columns.id,
        &columns.kind,
        &columns.queue,
        &columns.priority,
        &columns.max_attempts,
        &columns.args as &[&str],
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
