//! Ends attempts, many at a time: only those whose lease still holds.

use std::collections::HashSet;
use std::time::Duration;

use mindflight_api::codes;
use mindflight_api::job::JobError;
use mindflight_core::Cause;
use mindflight_core::ports::Lease;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::dependents;
use super::error_groups::{self, Failure, fingerprint_of};
use super::gates;
use super::leases::Leases;
use super::succeeded::Succeeded;
use crate::session::Session;
use crate::{Error, Result};

/// Who ends attempts.
pub struct Completer(pub(super) Session);

/// An attempt that has ended.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The hold on its job.
    pub lease: Lease,
    /// The number of its kind: failures are counted by it. 0 if it did not fail.
    pub kind: i32,
    /// How it ended.
    pub end: End,
    /// Whether the job holds a unique key, or a slot of a gate.
    pub is_tied: bool,
    /// Whether the queue keeps what has ended.
    pub keeps_history: bool,
    /// Why the job was made, which the event of its end carries on.
    pub cause: Option<Cause>,
}

/// How an attempt ended, and what becomes of the job.
#[derive(Debug, Clone)]
pub enum End {
    /// The job is done; its result, as JSON.
    Succeeded(String),
    /// The job has failed.
    Failed(JobError),
    /// The job was cancelled.
    Cancelled(JobError),
    /// The job runs again after this long; this attempt counts.
    Retry(Duration, JobError),
    /// The job runs again after this long; this attempt does not count.
    Snooze(Duration),
    /// Its worker stops; the job runs again elsewhere, and this attempt does not count.
    Returned,
}

impl End {
    /// The state, result and error of a job that ends so; nothing if it runs again.
    fn outcome(&self) -> Option<(i16, Option<&String>, Option<&JobError>)> {
        match self {
            Self::Succeeded(result) => Some((SUCCEEDED, Some(result), None)),
            Self::Failed(error) => Some((FAILED, None, Some(error))),
            Self::Cancelled(error) => Some((CANCELLED, None, Some(error))),
            Self::Retry(..) | Self::Snooze(_) | Self::Returned => None,
        }
    }
}

/// What a batch came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many were ended. The others' leases had been lost: nothing of them was written.
    pub count: usize,
    /// Queues that have jobs again.
    pub queues: Vec<i16>,
}

/// The numbers of final states in `outcome`.
const SUCCEEDED: i16 = 0;
const FAILED: i16 = 1;
const CANCELLED: i16 = 2;

/// The numbers of ends in `attempt`.
const WITH_ERROR: i16 = 0;
const SNOOZED: i16 = 1;
const RETURNED: i16 = 3;

impl Completer {
    /// Ends attempts. The same batch may be sent again after an error: what was ended stays so.
    ///
    /// # Errors
    /// When the database does not answer: then the batch may or may not have been written.
    pub async fn complete(&mut self, batch: &[Finished]) -> Result<Ended> {
        let (usual, others) = Succeeded::of(batch);
        self.0
            .run(async |db| {
                let done = usual.write(db).await?;
                if done == batch.len() {
                    return Ok(Ended { count: done, queues: Vec::new() });
                }
                // Those that are left over have lost their lease, or others wait for them.
                let are_left = done < usual.len();
                let rest = if are_left { batch.iter().collect() } else { others.clone() };
                let finals = Finals::of(&rest);
                let mut tx = db.begin().await.map_err(Error::of)?;
                let unwanted = unwanted(&mut tx, &finals.rest).await?;
                let mut ended = if unwanted.is_empty() {
                    everything(&mut tx, &finals, &[]).await?
                } else {
                    let rest = without(&rest, &unwanted);
                    everything(&mut tx, &Finals::of(&rest.iter().collect::<Vec<_>>()), &[]).await?
                };
                tx.commit().await.map_err(Error::of)?;
                ended.count += done;
                Ok(ended)
            })
            .await
    }
}

/// A batch, sorted by what has to be written.
#[derive(Default)]
struct Finals<'a> {
    kept: Columns,
    forgotten: Columns,
    rest: Vec<&'a Finished>,
    /// Those that are not kept unless others wait for them.
    unkept: Vec<&'a Finished>,
    /// Those that failed, for good or not.
    failures: Vec<Failure<'a>>,
}

#[derive(Default)]
struct Columns {
    leases: Leases,
    state: Vec<i16>,
    result: Vec<Option<String>>,
    error: Vec<Option<Value>>,
    fingerprint: Vec<Option<i64>>,
    depth: Vec<Option<i16>>,
    correlation: Vec<Option<String>>,
}

impl Columns {
    fn push(
        &mut self,
        finished: &Finished,
        state: i16,
        (result, error): (Option<&String>, Option<&JobError>),
    ) {
        self.leases.push(finished.lease);
        self.state.push(state);
        self.result.push(result.cloned());
        self.error.push(error.map(as_json));
        let failed = error.filter(|_| matches!(finished.end, End::Failed(_)));
        self.fingerprint.push(failed.map(|error| fingerprint_of(finished.kind, error)));
        let cause = finished.cause.as_ref();
        self.depth.push(cause.map(|cause| i16::try_from(cause.depth + 1).unwrap_or(i16::MAX)));
        self.correlation.push(cause.map(|cause| cause.correlation_id.clone()));
    }
}

pub(super) fn as_json(error: &JobError) -> Value {
    serde_json::to_value(error).unwrap_or_default()
}

impl<'a> Finals<'a> {
    fn of(batch: &[&'a Finished]) -> Self {
        let mut finals = Finals::default();
        for finished in batch {
            finals.failures.extend(failure(finished));
            let Some((state, result, error)) = finished.end.outcome() else {
                finals.rest.push(finished);
                continue;
            };
            // What failed is kept for whoever has to look into it, whatever the queue does with the rest.
            if finished.keeps_history || state == FAILED {
                finals.kept.push(finished, state, (result, error));
            } else {
                finals.forgotten.push(finished, state, (None, None));
                finals.unkept.push(finished);
            }
        }
        finals
    }

    /// Those that were to be forgotten and are not, as they are kept.
    fn left(&self, forgotten: &[Released]) -> Columns {
        let gone: HashSet<Uuid> = forgotten.iter().map(|one| one.id).collect();
        let mut left = Columns::default();
        for finished in &self.unkept {
            let Some((state, result, error)) = finished.end.outcome() else { continue };
            if !gone.contains(&finished.lease.job.uuid()) {
                left.push(finished, state, (result, error));
            }
        }
        left
    }
}

fn failure(finished: &Finished) -> Option<Failure<'_>> {
    let (error, is_last) = match &finished.end {
        End::Failed(error) => (error, true),
        End::Retry(_, error) => (error, false),
        End::Succeeded(_) | End::Cancelled(_) | End::Snooze(_) | End::Returned => return None,
    };
    Some(Failure { job: finished.lease.job.uuid(), kind: finished.kind, error, is_last })
}

/// A lease that was given up, and what hung on it.
struct Released {
    id: Uuid,
    is_unique: bool,
    gate: Option<i32>,
    outer_gate: Option<i32>,
    is_awaited: bool,
}

impl Released {
    fn gates(&self) -> impl Iterator<Item = i32> {
        self.gate.into_iter().chain(self.outer_gate)
    }
}

/// Which of the jobs that would run again somebody wants to be stopped. Holds their leases, so that nobody can ask
/// for it between this look and the end of the attempt.
async fn unwanted(db: &mut PgConnection, rest: &[&Finished]) -> Result<Vec<Uuid>> {
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rest.iter().map(|finished| finished.lease.job.uuid()).collect();
    sqlx::query!(
        r#"
        SELECT id
        FROM mindflight.lease
        WHERE id = ANY ($1)
        ORDER BY id
        FOR UPDATE
        "#,
        &ids,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    // A statement of its own: it sees what whoever held a lease before has committed.
    sqlx::query_scalar!(
        r#"
        SELECT job
        FROM mindflight.cancel_request
        WHERE job = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// The batch, in which jobs that nobody wants do not run again.
fn without(batch: &[&Finished], unwanted: &[Uuid]) -> Vec<Finished> {
    let mut batch: Vec<Finished> = batch.iter().copied().cloned().collect();
    for finished in &mut batch {
        let runs_again = matches!(finished.end, End::Retry(..) | End::Snooze(_) | End::Returned);
        if runs_again && unwanted.contains(&finished.lease.job.uuid()) {
            finished.end = End::Cancelled(cancelled());
        }
    }
    batch
}

fn cancelled() -> JobError {
    let code = codes::JOB_CANCELLED;
    JobError {
        code: code.name.to_owned(),
        detail: "the job was cancelled while it ran".to_owned(),
        fault: code.fault,
        retry: code.retry,
        fix: None,
    }
}

/// Jobs may also wait at `entered`, gates of jobs that were made in the same transaction.
async fn everything(db: &mut PgConnection, finals: &Finals<'_>, entered: &[i32]) -> Result<Ended> {
    // Bodies first: whoever drops partitions locks their table first, too.
    let mut released = forget(db, &finals.forgotten).await?;
    if released.len() < finals.unkept.len() {
        released.extend(finish(db, &finals.left(&released)).await?);
    }
    released.extend(finish(db, &finals.kept).await?);
    let mut count = released.len();
    let mut keys: Vec<Uuid> =
        released.iter().filter(|one| one.is_unique).map(|one| one.id).collect();
    let mut gates: Vec<i32> = released.iter().flat_map(Released::gates).collect();
    gates.extend(entered);
    let (mut again, mut queues) = (Vec::new(), Vec::new());
    if !finals.rest.is_empty() {
        (again, queues) = put_back(db, &finals.rest).await?;
        count += again.len();
        gates.extend(again.iter().flat_map(Released::gates));
    }
    let awaited = released.iter().filter(|one| one.is_awaited).map(|one| one.id).collect();
    let settled = dependents::settle(db, awaited).await?;
    keys.extend(settled.keys);
    gates.extend(settled.gates);
    queues.extend(settled.queues);
    if !keys.is_empty() {
        give_back_keys(db, &keys).await?;
    }
    if !gates.is_empty() {
        queues.extend(gates::admit(db, &gates).await?);
    }
    if !finals.failures.is_empty() {
        let ended: HashSet<Uuid> = released.iter().chain(&again).map(|one| one.id).collect();
        let failures = finals.failures.iter().filter(|failure| ended.contains(&failure.job));
        error_groups::count(db, failures.copied()).await?;
    }
    Ok(Ended { count, queues: gates::distinct(queues) })
}

/// Ends one attempt whose transaction is open: its lease, its outcome, its key and its slot; jobs that were made in it
/// wait at the gates `entered`. Gives the queues that got jobs, or nothing if the lease was lost.
pub(crate) async fn finish_one(
    db: &mut PgConnection,
    lease: Lease,
    result: String,
    (cause, entered): (Option<Cause>, &[i32]),
) -> Result<Option<Vec<i16>>> {
    // A tool's name has no dot. Somebody waits for its result, whatever the queue does with the rest.
    let keeps_history = sqlx::query_scalar!(
        r#"
        SELECT queue.keeps_history OR strpos(kind.name, '.') = 0 AS "keeps_history!"
        FROM mindflight.lease
        JOIN mindflight.queue ON queue.id = lease.queue
        JOIN mindflight.kind ON kind.id = lease.kind
        WHERE lease.id = $1
        "#,
        lease.job.uuid(),
    )
    .fetch_optional(&mut *db)
    .await
    .map_err(Error::of)?;
    let end = End::Succeeded(result);
    let keeps_history = keeps_history.unwrap_or(true);
    let finished = Finished { lease, kind: 0, end, is_tied: true, keeps_history, cause };
    let ended = everything(db, &Finals::of(&[&finished]), entered).await?;
    Ok((ended.count == 1).then_some(ended.queues))
}

async fn finish(db: &mut PgConnection, finals: &Columns) -> Result<Vec<Released>> {
    if finals.leases.ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Released,
        r#"
        WITH done AS (
            DELETE FROM mindflight.lease
            USING unnest(
                $1::uuid[], $2::bigint[], $3::smallint[], $4::smallint[], $5::text[], $6::jsonb[], $7::smallint[],
                $8::text[], $9::bigint[]
            ) AS given (id, worker, attempt, state, result, error, depth, correlation, fingerprint)
            WHERE lease.id = given.id
                -- Also by itself: a plan made while the table was empty would begin with all leases.
                AND lease.id = ANY ($1)
                AND lease.worker = given.worker
                AND lease.attempt = given.attempt
            RETURNING lease.*, given.state, given.result, given.error, given.depth, given.correlation,
                given.fingerprint
        ),
        kept AS (
            INSERT INTO mindflight.outcome
                (job, state, kind, queue, attempt, worker, started_at, result, error, fingerprint)
            SELECT id, state, kind, queue, attempt, worker, claimed_at, result::json, error, fingerprint
            FROM done
        ),
        told AS (
            INSERT INTO mindflight.event (type, source, count, data)
            SELECT 'mindflight.job', 'mindflight', count(*), json_build_object(
                'job', array_agg(id), 'kind', array_agg(kind), 'queue', array_agg(queue),
                'state', array_agg(state), 'attempt', array_agg(attempt),
                'error', CASE WHEN count(error) > 0 THEN array_agg(error ->> 'code') END,
                'depth', CASE WHEN count(depth) > 0 THEN array_agg(depth) END,
                'correlation', CASE WHEN count(depth) > 0 THEN array_agg(correlation) END
            )
            FROM done
            HAVING count(*) > 0
        )
        SELECT id AS "id!", is_unique AS "is_unique!", gate, outer_gate, is_awaited AS "is_awaited!"
        FROM done
        "#,
        &finals.leases.ids,
        &finals.leases.workers,
        &finals.leases.attempts,
        &finals.state,
        &finals.result as &[Option<String>],
        &finals.error as &[Option<Value>],
        &finals.depth as &[Option<i16>],
        &finals.correlation as &[Option<String>],
        &finals.fingerprint as &[Option<i64>],
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// For queues that keep no history. What others wait for is left.
async fn forget(db: &mut PgConnection, finals: &Columns) -> Result<Vec<Released>> {
    if finals.leases.ids.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_as!(
        Released,
        r#"
        WITH done AS (
            DELETE FROM mindflight.lease
            USING unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[])
                AS given (id, worker, attempt, state, depth, correlation)
            WHERE lease.id = given.id
                -- Also by itself: a plan made while the table was empty would begin with all leases.
                AND lease.id = ANY ($1)
                AND lease.worker = given.worker
                AND lease.attempt = given.attempt
                AND NOT lease.is_awaited
            RETURNING lease.*, given.state, given.depth, given.correlation
        ),
        gone AS (
            DELETE FROM mindflight.job
            WHERE id = ANY (ARRAY(SELECT id FROM done))
        ),
        told AS (
            INSERT INTO mindflight.event (type, source, count, data)
            SELECT 'mindflight.job', 'mindflight', count(*), json_build_object(
                'job', array_agg(id), 'kind', array_agg(kind), 'queue', array_agg(queue),
                'state', array_agg(state), 'attempt', array_agg(attempt),
                'depth', CASE WHEN count(depth) > 0 THEN array_agg(depth) END,
                'correlation', CASE WHEN count(depth) > 0 THEN array_agg(correlation) END
            )
            FROM done
            HAVING count(*) > 0
        )
        SELECT id AS "id!", is_unique AS "is_unique!", gate, outer_gate, is_awaited AS "is_awaited!"
        FROM done
        "#,
        &finals.leases.ids,
        &finals.leases.workers,
        &finals.leases.attempts,
        &finals.state,
        &finals.depth as &[Option<i16>],
        &finals.correlation as &[Option<String>],
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// Jobs that run again: now, or after a while. Gives what was released, and the queues that have jobs at once.
async fn put_back(db: &mut PgConnection, batch: &[&Finished]) -> Result<(Vec<Released>, Vec<i16>)> {
    let (mut columns, mut delays) = (Columns::default(), Vec::new());
    for finished in batch {
        let (ended, delay, error) = match &finished.end {
            End::Retry(delay, error) => (WITH_ERROR, Some(delay.as_secs_f64()), Some(error)),
            End::Snooze(delay) => (SNOOZED, Some(delay.as_secs_f64()), None),
            End::Returned | End::Succeeded(_) | End::Failed(_) | End::Cancelled(_) => {
                (RETURNED, None, None)
            }
        };
        columns.push(finished, ended, (None, error));
        delays.push(delay);
    }
    let rows = sqlx::query_file!(
        "queries/jobs/put_back.sql",
        &columns.leases.ids,
        &columns.leases.workers,
        &columns.leases.attempts,
        &columns.state,
        &delays as &[Option<f64>],
        &columns.error as &[Option<Value>],
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let ready = rows.iter().filter(|row| row.is_ready).map(|row| row.queue).collect();
    let released = rows
        .into_iter()
        .map(|row| Released {
            id: row.id,
            is_unique: row.is_unique,
            gate: row.gate,
            outer_gate: row.outer_gate,
            // It has not ended.
            is_awaited: false,
        })
        .collect();
    Ok((released, ready))
}

pub(crate) async fn give_back_keys(db: &mut PgConnection, jobs: &[Uuid]) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM mindflight.unique_key
        WHERE key = ANY (ARRAY(
            SELECT key
            FROM mindflight.unique_key
            WHERE job = ANY ($1)
                AND expires_at IS NULL
            ORDER BY key
            FOR UPDATE
        ))
        "#,
        jobs,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
