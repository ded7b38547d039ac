//! Stops a job, wherever it is.

use mindflight_api::job::JobError;
use mindflight_api::{JobId, JobState, codes};
use mindflight_core::ports::Record;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

use super::rows::state_at;
use crate::db::{Db, commit};
use crate::jobs::{dependents, gates, give_back_keys};
use crate::{Error, Result, audit};

/// A job may move between the look at one place and the next; so often is it followed.
pub(super) const LOOKS: u32 = 8;

/// What became of a job that was to be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cancel {
    /// It waited and never will run. These queues got jobs for which it made room.
    Cancelled {
        /// Their numbers.
        queues: Vec<i16>,
    },
    /// It runs, and its worker will be told.
    Asked,
    /// It had ended before.
    Final(JobState),
}

pub(super) async fn cancel(
    db: &Db,
    id: JobId,
    reason: Option<&str>,
    record: &Record,
) -> Result<Option<Cancel>> {
    let mut tx = begin(db).await?;
    let error = error(reason, &record.caller.facts().name)?;
    for _ in 0..LOOKS {
        let done = if let Some(queues) = stop(&mut tx, id, &error).await? {
            Cancel::Cancelled { queues }
        } else if ask(&mut tx, id, reason).await? {
            Cancel::Asked
        } else {
            match end(&mut tx, id).await? {
                End::Gone => return Ok(None),
                End::Moved => continue,
                End::Ended(state) => return Ok(Some(Cancel::Final(state))),
            }
        };
        audit::write(&mut tx, record).await?;
        commit(tx).await?;
        return Ok(Some(done));
    }
    Err(restless(id))
}

/// Begins what is done to one job. A plan made while a queue was empty must not read all of a full one.
pub(super) async fn begin(db: &Db) -> Result<Transaction<'static, Postgres>> {
    let mut tx = db.begin().await?;
    plan_for_few(&mut tx).await?;
    Ok(tx)
}

/// Has the rest of the transaction planned for a few rows of large tables, whatever the statistics say.
pub(super) async fn plan_for_few(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT set_config('enable_seqscan', 'off', true) AS seqscan, set_config('jit', 'off', true) AS jit,
            set_config('plan_cache_mode', 'force_generic_plan', true) AS generic
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

pub(super) fn error(reason: Option<&str>, who: &str) -> Result<Value> {
    let detail = match reason {
        Some(reason) => format!("cancelled by {who}: {reason}"),
        None => format!("cancelled by {who}"),
    };
    let code = codes::JOB_CANCELLED;
    let (fault, retry) = (code.fault, code.retry);
    let error = JobError { code: code.name.to_owned(), detail, fault, retry, fix: None };
    serde_json::to_value(error).map_err(|error| Error::Internal(error.into()))
}

/// Takes a job that waits out of its place; the queues that got jobs for which it made room.
async fn stop(db: &mut PgConnection, id: JobId, error: &Value) -> Result<Option<Vec<i16>>> {
    // If it does not wait any more, its gate is let go before its lease is asked for: whoever ends its attempt
    // holds that, and wants the gate.
    let mut db = db.begin().await.map_err(Error::of)?;
    let stopped = stop_held(&mut db, id, error).await?;
    match stopped {
        Some(_) => db.commit().await.map_err(Error::of)?,
        None => db.rollback().await.map_err(Error::of)?,
    }
    Ok(stopped)
}

async fn stop_held(db: &mut PgConnection, id: JobId, error: &Value) -> Result<Option<Vec<i16>>> {
    // Before its gate is: whoever holds a gate must wait for nothing else.
    dependents::hold(db, &[id.uuid()]).await?;
    // Whoever lets jobs through a gate has chosen them before it takes them: it must not choose this one meanwhile.
    gates::hold(db, id.uuid()).await?;
    let stopped = take_out(db, id, error).await?;
    let Some(stopped) = stopped else {
        return Ok(None);
    };
    if !stopped.is_kept {
        super::delete::forget(db, &[id.uuid()]).await?;
    }
    let awaited = if stopped.is_awaited { vec![id.uuid()] } else { Vec::new() };
    let settled = dependents::settle(db, awaited).await?;
    if !settled.keys.is_empty() {
        give_back_keys(db, &settled.keys).await?;
    }
    let (mut gates, mut queues) = (settled.gates, settled.queues);
    gates.extend([stopped.gate, stopped.outer_gate].into_iter().flatten());
    if !gates.is_empty() {
        queues.extend(gates::admit(db, &gates).await?);
    }
    Ok(Some(gates::distinct(queues)))
}

/// A job that waited.
struct Stopped {
    /// Whose slots it used.
    gate: Option<i32>,
    outer_gate: Option<i32>,
    is_awaited: bool,
    /// Its end was written down.
    is_kept: bool,
}

async fn take_out(db: &mut PgConnection, id: JobId, error: &Value) -> Result<Option<Stopped>> {
    sqlx::query_file_as!(Stopped, "queries/job_views/cancel_waiting.sql", id.uuid(), error)
        .fetch_optional(db)
        .await
        .map_err(Error::of)
}

/// Asks the worker of a job that runs to stop it; whether it runs. Its lease is held meanwhile, or a wish would be
/// left behind for a job that ends just now.
async fn ask(db: &mut PgConnection, id: JobId, reason: Option<&str>) -> Result<bool> {
    let asked = sqlx::query!(
        r#"
        WITH held AS MATERIALIZED (
            SELECT id
            FROM mindflight.lease
            WHERE id = $1
            FOR UPDATE
        )
        INSERT INTO mindflight.cancel_request (job, reason)
        SELECT id, $2
        FROM held
        ON CONFLICT (job) DO UPDATE
        SET reason = coalesce(cancel_request.reason, excluded.reason)
        "#,
        id.uuid(),
        reason,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(asked.rows_affected() > 0)
}

/// Whether a job has ended.
pub(super) enum End {
    /// There is no such job.
    Gone,
    /// It has not: it moves.
    Moved,
    /// In this state.
    Ended(JobState),
}

pub(super) async fn end(db: &mut PgConnection, id: JobId) -> Result<End> {
    let found = sqlx::query!(
        r#"
        SELECT outcome.state AS "state?"
        FROM (SELECT job.id FROM mindflight.job WHERE job.id = $1) AS body
        LEFT JOIN mindflight.outcome ON outcome.job = body.id
        "#,
        id.uuid(),
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(match found.map(|row| row.state) {
        None => End::Gone,
        Some(None) => End::Moved,
        Some(Some(state)) => End::Ended(state_at(5 + i32::from(state))),
    })
}

pub(super) fn restless(id: JobId) -> Error {
    Error::conflict(format!("the job {id} moves too fast to be changed; try again"))
}
