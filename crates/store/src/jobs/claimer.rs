//! Takes jobs that wait, many at a time, and writes down who has them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::ports::Lease;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::gates::distinct;
use super::leases::Leases;
use crate::session::Session;
use crate::{Error, Result};

/// Who takes jobs.
pub struct Claimer(pub(super) Session);

/// Which of a queue's jobs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Those that may run beside others.
    Usual,
    /// Those that were running when their worker died, and run alone.
    Suspect,
}

/// Where to look for jobs: rows that were taken a moment ago take time to look over, and all the more while a
/// transaction somewhere keeps them from being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At the first.
    Start,
    /// At what comes after this lane and id.
    After(i16, Uuid),
    /// In this lane alone, at what comes after this id.
    Within(i16, Uuid),
}

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The queue's number.
    pub queue: i16,
    /// Which of its jobs.
    pub lane: Lane,
    /// How many at most.
    pub limit: i64,
    /// For whom.
    pub worker: i64,
    /// The numbers of the kinds it can run.
    pub kinds: &'a [i32],
    /// Where to look for them; of no meaning for suspects, which are after all others, and few.
    pub begin: Begin,
}

/// A queue that a worker may take jobs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownQueue {
    /// Its number.
    pub number: i16,
    /// Whether it keeps what has ended.
    pub keeps_history: bool,
    /// Whether so many of its jobs run or start at once at most.
    pub is_limited: bool,
}

/// A job that was taken.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The hold on it.
    pub lease: Lease,
    /// The number of its kind.
    pub kind: i32,
    /// The number of its queue.
    pub queue: i16,
    /// The queue's lane it was in.
    pub lane: i16,
    /// Attempts before it has failed.
    pub max_attempts: u16,
    /// When it was taken, on the database's clock.
    pub claimed_at: DateTime<Utc>,
    /// Arguments, as JSON.
    pub args: String,
    /// What few jobs have.
    pub meta: Option<Value>,
    /// Whether it has a unique key.
    pub is_unique: bool,
    /// Whether something limits how many run at once.
    pub is_gated: bool,
}

impl Claimer {
    /// Which of these queues have jobs of these kinds that wait, and in which lane.
    ///
    /// # Errors
    /// When the database does not answer; also in the others.
    pub async fn waiting(&mut self, queues: &[i16], kinds: &[i32]) -> Result<Vec<(i16, Lane)>> {
        self.0.run(async |db| waiting(db, queues, kinds).await).await
    }

    /// The queues into which jobs of these kinds have ever been put.
    ///
    /// # Errors
    /// As [`waiting`](Self::waiting).
    pub async fn queues_of(&mut self, kinds: &[i32]) -> Result<Vec<KnownQueue>> {
        self.0.run(async |db| queues_of(db, kinds).await).await
    }

    /// Takes jobs, in their order; none for a worker that counts as dead.
    ///
    /// # Errors
    /// As [`waiting`](Self::waiting): then jobs may have been taken all the same; see [`held`](Self::held).
    pub async fn claim(&mut self, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
        self.0.run(async |db| take(db, claim).await).await
    }

    /// All that is held by `worker`.
    ///
    /// # Errors
    /// As [`waiting`](Self::waiting).
    pub async fn held(&mut self, worker: i64) -> Result<Vec<Lease>> {
        self.0.run(async |db| held(db, worker).await).await
    }

    /// Gives jobs back that were taken and not started; gives their queues.
    ///
    /// # Errors
    /// As [`waiting`](Self::waiting).
    pub async fn give_back(&mut self, leases: &[Lease]) -> Result<Vec<i16>> {
        self.0.run(async |db| give_back(db, leases).await).await
    }

    /// Gives back the unique keys that are held only until an attempt starts, of those jobs that `worker` holds.
    ///
    /// # Errors
    /// As [`waiting`](Self::waiting).
    pub async fn start_unique(&mut self, worker: i64, jobs: &[JobId]) -> Result<()> {
        self.0.run(async |db| start_unique(db, worker, jobs).await).await
    }
}

async fn waiting(db: &mut PgConnection, queues: &[i16], kinds: &[i32]) -> Result<Vec<(i16, Lane)>> {
    let rows = sqlx::query!(
        r#"
        SELECT wanted.queue AS "queue!", first.lane AS "lane!"
        FROM unnest($1::smallint[]) AS wanted (queue)
        CROSS JOIN unnest('{0,10}'::smallint[]) AS lanes (lowest)
        CROSS JOIN LATERAL (
            SELECT ready.lane
            FROM mindflight.ready
            WHERE ready.queue = wanted.queue
                AND ready.lane BETWEEN lanes.lowest AND lanes.lowest + 9
                AND ready.kind = ANY ($2)
            LIMIT 1
        ) AS first
        WHERE EXISTS (
            SELECT
            FROM mindflight.queue
            WHERE queue.id = wanted.queue
                AND (queue.paused_at IS NULL OR queue.paused_until <= clock_timestamp())
        )
        "#,
        queues,
        kinds,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let lane = |lane: i16| if lane < SUSPECT { Lane::Usual } else { Lane::Suspect };
    Ok(rows.into_iter().map(|row| (row.queue, lane(row.lane))).collect())
}

/// The lane of jobs that were running when their worker died.
pub(super) const SUSPECT: i16 = 10;

pub(super) async fn take(db: &mut PgConnection, claim: &Claim<'_>) -> Result<Vec<Claimed>> {
    let start = (-1, Uuid::nil());
    let (lowest, highest, (lane, id)) = match (claim.lane, claim.begin) {
        (Lane::Suspect, _) => (SUSPECT, SUSPECT, start),
        (Lane::Usual, Begin::Start) => (0, SUSPECT - 1, start),
        (Lane::Usual, Begin::After(lane, id)) => (0, SUSPECT - 1, (lane, id)),
        (Lane::Usual, Begin::Within(lane, id)) => (lane, lane, (lane, id)),
    };
    let mut rows = sqlx::query_file!(
        "queries/jobs/claim.sql",
        claim.queue,
        lane,
        id,
        lowest,
        highest,
        claim.kinds,
        claim.limit,
        claim.worker,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    // A DELETE gives rows in the order of the disk.
    rows.sort_unstable_by_key(|row| (row.lane, row.id));
    let large: Vec<Uuid> = rows.iter().filter(|row| row.args.is_none()).map(|row| row.id).collect();
    let mut bodies = bodies(db, &large).await?;
    let claimed = rows.into_iter().filter_map(|row| {
        let (args, meta) = match row.args {
            Some(args) => (args, None),
            None => bodies.remove(&row.id)?,
        };
        Some(Claimed {
            lease: Lease {
                job: row.id.into(),
                worker: claim.worker,
                attempt: row.attempt.unsigned_abs(),
            },
            kind: row.kind,
            queue: claim.queue,
            lane: row.lane,
            max_attempts: row.max_attempts.unsigned_abs(),
            claimed_at: row.claimed_at,
            args,
            meta,
            is_unique: row.is_unique,
            is_gated: row.is_gated,
        })
    });
    Ok(claimed.collect())
}

/// Arguments that are not copied beside the place in the queue, and what few jobs have.
async fn bodies(
    db: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (String, Option<Value>)>> {
    let (Some(oldest), Some(newest)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(HashMap::new());
    };
    let rows = sqlx::query!(
        r#"
        SELECT id, args::text AS "args!", meta
        FROM mindflight.job
        WHERE id = ANY ($1)
            AND id BETWEEN $2 AND $3
        "#,
        ids,
        oldest,
        newest,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.id, (row.args, row.meta))).collect())
}

async fn queues_of(db: &mut PgConnection, kinds: &[i32]) -> Result<Vec<KnownQueue>> {
    sqlx::query_as!(
        KnownQueue,
        r#"
        SELECT id AS number, keeps_history, slots IS NOT NULL OR rate IS NOT NULL AS "is_limited!"
        FROM mindflight.queue
        WHERE EXISTS (
            SELECT
            FROM mindflight.queue_kind
            WHERE queue_kind.queue = queue.id
                AND queue_kind.kind = ANY ($1)
        )
        ORDER BY id
        "#,
        kinds,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn held(db: &mut PgConnection, worker: i64) -> Result<Vec<Lease>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, attempt
        FROM mindflight.lease
        WHERE worker = $1
        "#,
        worker,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let lease = |id: Uuid, attempt: i16| Lease {
        job: id.into(),
        worker,
        attempt: u32::from(attempt.unsigned_abs()),
    };
    Ok(rows.into_iter().map(|row| lease(row.id, row.attempt)).collect())
}

async fn give_back(db: &mut PgConnection, leases: &[Lease]) -> Result<Vec<i16>> {
    let leases: Leases = leases.iter().copied().collect();
    let queues = sqlx::query_scalar!(
        r#"
        WITH back AS (
            DELETE FROM mindflight.lease
            USING unnest($1::uuid[], $2::bigint[], $3::smallint[]) AS given (id, worker, attempt)
            WHERE lease.id = given.id
                AND lease.id = ANY ($1)
                AND lease.worker = given.worker
                AND lease.attempt = given.attempt
            RETURNING lease.*
        )
        INSERT INTO mindflight.ready
            (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
        SELECT queue, lane, id, kind, attempt - 1, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited
        FROM back
        RETURNING queue
        "#,
        &leases.ids,
        &leases.workers,
        &leases.attempts,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(distinct(queues))
}

/// A job that was taken from the worker meanwhile waits again, and has its key.
async fn start_unique(db: &mut PgConnection, worker: i64, jobs: &[JobId]) -> Result<()> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.uuid()).collect();
    sqlx::query!(
        r#"
        DELETE FROM mindflight.unique_key
        WHERE key = ANY (ARRAY(
            SELECT unique_key.key
            FROM mindflight.unique_key
            JOIN mindflight.lease ON lease.id = unique_key.job
                AND lease.worker = $2
            WHERE unique_key.job = ANY ($1)
                AND unique_key.until_start
            ORDER BY unique_key.key
            FOR UPDATE OF unique_key
        ))
        "#,
        &ids,
        worker,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// A number of an attempt, as the tables hold it.
pub(super) fn small(number: u32) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}
