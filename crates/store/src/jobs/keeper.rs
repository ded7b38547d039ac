//! Keeps what the queue's promises hang on: workers that live, and jobs that come due.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::{InstanceId, JobId};
use sqlx::postgres::types::PgInterval;
use sqlx::{Connection as _, PgConnection};

use super::{gates, limits};
use crate::session::Session;
use crate::{Error, Result};

/// Who keeps workers alive, rescues jobs of dead ones, and makes due what is due.
pub struct Keeper(pub(super) Session);

/// A worker that begins.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its process.
    pub instance: InstanceId,
    /// What only one process at a time can hold, if it holds such a thing.
    pub holder: Option<String>,
    /// The machine's name.
    pub host: String,
    /// The process's number there.
    pub pid: i32,
    /// The program's version.
    pub version: String,
    /// Jobs it runs at the same time.
    pub slots: i32,
    /// The numbers of the kinds it can run.
    pub kinds: Vec<i32>,
}

/// What the database knew when a worker said that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Whether it still counts as alive.
    pub is_known: bool,
    /// Which of its jobs somebody wants to be stopped.
    pub cancelled: Vec<JobId>,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// What came due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promoted {
    /// How many jobs, queues whose pause is over, and queues that got jobs from gates.
    pub count: usize,
    /// The queues that have jobs now.
    pub queues: Vec<i16>,
    /// When to look again: how long it is until the next job is due, a rate lets one pass, or a pause is over.
    pub next: Option<Duration>,
}

/// A duration, as the server takes it.
pub(crate) fn interval(duration: Duration) -> PgInterval {
    let microseconds = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    PgInterval { months: 0, days: 0, microseconds }
}

impl Keeper {
    /// Makes a worker. Its number was never used before and will never be used again.
    ///
    /// # Errors
    /// When the database does not answer; also in the others.
    pub async fn register(&mut self, worker: &Registration) -> Result<i64> {
        self.0.run(async |db| register(db, worker).await).await
    }

    /// Says that a worker lives, has so many jobs, and can run these kinds, if they may be others by now.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn beat(&mut self, worker: i64, running: i32, kinds: Option<&[i32]>) -> Result<Beat> {
        self.0.run(async |db| beat(db, worker, running, kinds).await).await
    }

    /// Says that a worker takes no more jobs.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn stopping(&mut self, worker: i64) -> Result<()> {
        self.0.run(async |db| stopping(db, worker).await).await
    }

    /// Takes a worker that has no jobs any more off the list.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn leave(&mut self, worker: i64) -> Result<()> {
        self.0.run(async |db| leave(db, worker).await).await
    }

    /// Moves up to `limit` jobs that are due to where workers find them, with those that a rate lets pass by now;
    /// ends pauses that are over.
    ///
    /// # Errors
    /// As [`register`](Self::register).
    pub async fn promote(&mut self, limit: i64) -> Result<Promoted> {
        self.0
            .run(async |db| {
                // Mostly nothing is due, and one look shows it.
                let next = next_due(db).await?;
                if next.is_none_or(|next| next > Duration::ZERO) {
                    return Ok(Promoted { next, ..Promoted::default() });
                }
                let mut tx = db.begin().await.map_err(Error::of)?;
                let mut promoted = promote(&mut tx, limit).await?;
                promoted.next = next_due(&mut tx).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(promoted)
            })
            .await
    }
}

async fn register(db: &mut PgConnection, worker: &Registration) -> Result<i64> {
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.worker (instance, holder, host, pid, version, slots, kinds)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING id
        "#,
        worker.instance.uuid(),
        worker.holder,
        worker.host,
        worker.pid,
        worker.version,
        worker.slots,
        &worker.kinds,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn beat(
    db: &mut PgConnection,
    worker: i64,
    running: i32,
    kinds: Option<&[i32]>,
) -> Result<Beat> {
    let row = sqlx::query!(
        r#"
        WITH beaten AS (
            UPDATE mindflight.worker
            SET beat_at = clock_timestamp(), running = $2, kinds = coalesce($3, kinds)
            WHERE id = $1
            RETURNING id
        )
        SELECT EXISTS (SELECT FROM beaten) AS "is_known!",
            ARRAY(
                SELECT cancel_request.job
                FROM mindflight.cancel_request
                JOIN mindflight.lease ON lease.id = cancel_request.job
                WHERE lease.worker = $1
            ) AS "cancelled!",
            clock_timestamp() AS "now!"
        "#,
        worker,
        running,
        kinds,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    let cancelled = row.cancelled.into_iter().map(JobId::from).collect();
    Ok(Beat { is_known: row.is_known, cancelled, now: row.now })
}

async fn stopping(db: &mut PgConnection, worker: i64) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE mindflight.worker
        SET stopping = true
        WHERE id = $1
        "#,
        worker,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn leave(db: &mut PgConnection, worker: i64) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM mindflight.worker
        WHERE id = $1
            AND NOT EXISTS (SELECT FROM mindflight.lease WHERE lease.worker = $1)
        "#,
        worker,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn promote(db: &mut PgConnection, limit: i64) -> Result<Promoted> {
    let rows = sqlx::query!(
        r#"
        WITH due AS (
            DELETE FROM mindflight.scheduled
            WHERE id = ANY (ARRAY(
                SELECT id
                FROM mindflight.scheduled
                WHERE run_at <= clock_timestamp()
                ORDER BY run_at, id
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            ))
            RETURNING *
        ),
        limited AS (
            INSERT INTO mindflight.blocked
                (gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
            SELECT gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited
            FROM due
            WHERE gate IS NOT NULL
        ),
        now AS (
            INSERT INTO mindflight.ready
                (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
            SELECT queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited
            FROM due
            WHERE gate IS NULL
        )
        SELECT queue AS "queue!", gate
        FROM due
        "#,
        limit,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    let mut gates: Vec<i32> = rows.iter().filter_map(|row| row.gate).collect();
    let mut queues: Vec<i16> =
        rows.iter().filter(|row| row.gate.is_none()).map(|row| row.queue).collect();
    let resumed = limits::resume(db).await?;
    gates.extend(gates::due(db).await?);
    let mut count = rows.len() + resumed.len();
    queues.extend(resumed);
    if !gates.is_empty() {
        let admitted = gates::admit(db, &gates).await?;
        count += admitted.len();
        queues.extend(admitted);
    }
    Ok(Promoted { count, queues: gates::distinct(queues), next: None })
}

async fn next_due(db: &mut PgConnection) -> Result<Option<Duration>> {
    let seconds = sqlx::query_scalar!(
        r#"
        SELECT extract(epoch FROM least(
            (SELECT run_at FROM mindflight.scheduled ORDER BY run_at, id LIMIT 1),
            (SELECT wakes_at FROM mindflight.gate WHERE wakes_at IS NOT NULL ORDER BY wakes_at LIMIT 1),
            (SELECT min(paused_until) FROM mindflight.queue)
        ) - clock_timestamp())::double precision AS seconds
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
}
