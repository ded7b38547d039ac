//! Runs a job now: again, or earlier than it would.

use chrono::{DateTime, Utc};
use mindflight_api::{JobId, JobState, codes};
use mindflight_core::ports::Record;
use sqlx::PgConnection;
use uuid::Uuid;

use super::cancel::{LOOKS, begin, restless};
use super::delete::state;
use crate::db::{Db, commit};
use crate::jobs::due::{self, Placed};
use crate::jobs::gates;
use crate::{Error, Result, audit};

/// What became of a job that was to run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// It waits for a worker, or for a slot of its gate. These queues got jobs.
    Queued {
        /// Their numbers.
        queues: Vec<i16>,
    },
    /// It is in a state in which that says nothing.
    Refused(JobState),
}

pub(super) async fn retry(db: &Db, id: JobId, record: &Record) -> Result<Option<Retry>> {
    let mut tx = begin(db).await?;
    for _ in 0..LOOKS {
        let queued = match reopen(&mut tx, id).await? {
            Some(queued) => Some(queued),
            None => hasten(&mut tx, id).await?,
        };
        if let Some(place) = queued {
            let queues = match place.gate {
                Some(gate) => gates::admit(&mut tx, &[gate]).await?,
                None => vec![place.queue],
            };
            audit::write(&mut tx, record).await?;
            commit(tx).await?;
            return Ok(Some(Retry::Queued { queues }));
        }
        match state(&mut tx, id).await? {
            None => return Ok(None),
            // It came there between the looks.
            Some(
                JobState::Scheduled | JobState::Retrying | JobState::Failed | JobState::Cancelled,
            ) => {}
            Some(state) => return Ok(Some(Retry::Refused(state))),
        }
    }
    Err(restless(id))
}

/// Takes the end of a job back.
async fn reopen(db: &mut PgConnection, id: JobId) -> Result<Option<Placed>> {
    let ended = sqlx::query!(
        r#"
        WITH ended AS (
            DELETE FROM mindflight.outcome
            WHERE job = $1
                AND state IN (1, 2)
            RETURNING job, state, queue, attempt, worker, started_at, finished_at, error
        ),
        noted AS (
            INSERT INTO mindflight.attempt (job, attempt, ended, worker, started_at, finished_at, error)
            SELECT ended.job, ended.attempt, CASE ended.state WHEN 1 THEN 0 ELSE 4 END, ended.worker,
                ended.started_at, ended.finished_at, ended.error
            FROM ended
            WHERE ended.attempt > 0
                AND NOT EXISTS (
                    SELECT
                    FROM mindflight.attempt
                    WHERE attempt.job = ended.job
                        AND attempt.attempt = ended.attempt
                )
        ),
        wishes AS (
            DELETE FROM mindflight.cancel_request
            WHERE job IN (SELECT job FROM ended)
        )
        SELECT ended.queue, ended.attempt, coalesce(ended.error ->> 'code' = $2, false) AS "was_lost!",
            coalesce(job.meta ->> 'key', kind.name || ':' || (job.meta ->> 'unique_key')) AS key,
            coalesce((job.meta ->> 'until_start')::boolean, false) AS "until_start!",
            (job.meta ->> 'key_until')::timestamptz AS key_until,
            coalesce(
                (job.meta ->> 'gate')::integer,
                (SELECT gate.id FROM mindflight.gate WHERE gate.name = kind.name)
            ) AS gate, (job.meta ->> 'outer_gate')::integer AS outer_gate
        FROM ended
        JOIN mindflight.job ON job.id = ended.job
        JOIN mindflight.kind ON kind.id = job.kind
        "#,
        id.uuid(),
        codes::WORKER_LOST.name,
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(Error::of)?;
    let Some(ended) = ended else {
        return Ok(None);
    };
    if let Some(key) = &ended.key {
        take_key(db, id, (key, ended.until_start, ended.key_until)).await?;
    }
    let again = Again {
        attempt: ended.attempt,
        // It ran whenever workers died: it does not get company again.
        alone: ended.was_lost,
        is_unique: ended.key.is_some() && ended.key_until.is_none(),
        gate: ended.gate,
        outer_gate: ended.outer_gate,
    };
    put_back(db, id, &again).await?;
    Ok(Some(Placed { queue: ended.queue, gate: ended.gate }))
}

/// A key that is held until a time may still be this job's own. One whose time is over says nothing any more.
async fn take_key(
    db: &mut PgConnection,
    id: JobId,
    (key, until_start, until): (&str, bool, Option<DateTime<Utc>>),
) -> Result<()> {
    let taken = sqlx::query!(
        r#"
        INSERT INTO mindflight.unique_key (key, job, until_start, expires_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (key) DO UPDATE
        SET job = excluded.job, until_start = excluded.until_start, expires_at = excluded.expires_at
        WHERE unique_key.expires_at <= clock_timestamp()
            OR unique_key.job = excluded.job
        "#,
        key,
        id.uuid(),
        until_start,
        until,
    )
    .execute(&mut *db)
    .await
    .map_err(Error::of)?;
    if taken.rows_affected() > 0 {
        return Ok(());
    }
    let holder = sqlx::query_scalar!(
        r#"
        SELECT job
        FROM mindflight.unique_key
        WHERE key = $1
        "#,
        key,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    let other = |holder: Uuid| {
        let holder = JobId::from(holder);
        format!("the job {holder} has the same unique key and is not finished")
    };
    Err(Error::conflict(holder.map_or_else(
        || "another job had the same unique key until just now; try again".to_owned(),
        other,
    )))
}

/// How a job waits that has ended before.
struct Again {
    attempt: i16,
    alone: bool,
    is_unique: bool,
    gate: Option<i32>,
    outer_gate: Option<i32>,
}

async fn put_back(db: &mut PgConnection, id: JobId, again: &Again) -> Result<()> {
    sqlx::query!(
        r#"
        WITH back AS (
            SELECT job.id, job.queue, CASE WHEN $3 THEN 10 ELSE job.priority END AS lane, job.kind,
                least($2::integer + job.max_attempts, 32767)::smallint AS max_attempts,
                -- Others may wait for it: those that were to run even if it failed, and wait for more.
                EXISTS (SELECT FROM mindflight.dependency WHERE dependency.parent = job.id) AS is_awaited
            FROM mindflight.job
            WHERE job.id = $1
        ),
        limited AS (
            INSERT INTO mindflight.blocked
                (gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
            SELECT $5::integer, $6::integer, lane, id, queue, kind, $2::integer, 0, max_attempts, $4, is_awaited
            FROM back
            WHERE $5 IS NOT NULL
        )
        INSERT INTO mindflight.ready
            (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
        SELECT queue, lane, id, kind, $2::integer, 0, max_attempts, $4, is_awaited
        FROM back
        WHERE $5 IS NULL
        "#,
        id.uuid(),
        i32::from(again.attempt),
        again.alone,
        again.is_unique,
        again.gate,
        again.outer_gate,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Lets a job wait for a worker that would have waited for its time.
async fn hasten(db: &mut PgConnection, id: JobId) -> Result<Option<Placed>> {
    Ok(due::place(db, &[id.uuid()], false).await?.pop())
}
