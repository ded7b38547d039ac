//! Takes jobs from workers that died. A job that takes its worker down is found, and its neighbours are not charged.

use std::time::Duration;

use mindflight_api::job::JobError;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::claimer::SUSPECT;
use super::completer::{as_json, give_back_keys};
use super::dependents;
use super::error_groups::{self, Failure, fingerprint_of};
use super::gates;
use super::keeper::{Keeper, interval};
use crate::{Error, Result};

/// What a crash costs a job that ran alone; in company it costs one.
const ALONE: i16 = 6;

/// What becomes of jobs whose worker died.
#[derive(Debug, Clone)]
pub struct Crash {
    /// So many crashes of a worker that a job ran alone on are the job's end; in company, six times as many.
    pub budget: u16,
    /// What a job that is not started again has as its error.
    pub lost: JobError,
    /// What a job has as its error that somebody wanted to be stopped.
    pub cancelled: JobError,
}

/// What a rescue came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rescued {
    /// The workers that were found dead.
    pub workers: Vec<i64>,
    /// Jobs that run again.
    pub again: usize,
    /// Jobs that do not.
    pub ended: usize,
    /// Queues that have jobs again.
    pub queues: Vec<i16>,
}

impl Keeper {
    /// Declares workers dead that were silent for `silence`, and takes their jobs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn rescue(&mut self, silence: Duration, crash: &Crash) -> Result<Rescued> {
        self.0
            .run(async |db| {
                if !is_needed(db, silence).await? {
                    return Ok(Rescued::default());
                }
                let mut tx = db.begin().await.map_err(Error::of)?;
                let workers = bury_silent(&mut tx, silence).await?;
                let rescued = collect(&mut tx, workers, crash).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(rescued)
            })
            .await
    }

    /// Declares dead whoever held `holder` before; call it only while holding it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_over(&mut self, holder: &str, crash: &Crash) -> Result<Rescued> {
        self.0
            .run(async |db| {
                let mut tx = db.begin().await.map_err(Error::of)?;
                let workers = bury_holder(&mut tx, holder).await?;
                let rescued = collect(&mut tx, workers, crash).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(rescued)
            })
            .await
    }
}

/// Mostly nobody has died, and one look shows it.
async fn is_needed(db: &mut PgConnection, silence: Duration) -> Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM mindflight.worker WHERE beat_at < clock_timestamp() - $1::interval)
            OR EXISTS (
                SELECT
                FROM mindflight.lease
                WHERE NOT EXISTS (SELECT FROM mindflight.worker WHERE worker.id = lease.worker)
            )
            OR EXISTS (SELECT FROM mindflight.cancel_request) AS "is!"
        "#,
        interval(silence),
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn bury_silent(db: &mut PgConnection, silence: Duration) -> Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        DELETE FROM mindflight.worker
        WHERE id = ANY (ARRAY(
            SELECT id
            FROM mindflight.worker
            WHERE beat_at < clock_timestamp() - $1::interval
            ORDER BY id
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING id
        "#,
        interval(silence),
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn bury_holder(db: &mut PgConnection, holder: &str) -> Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"
        DELETE FROM mindflight.worker
        WHERE holder = $1
        RETURNING id
        "#,
        holder,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// What one job came to.
struct Found {
    id: Uuid,
    kind: i32,
    queue: i16,
    gate: Option<i32>,
    outer_gate: Option<i32>,
    is_unique: bool,
    is_awaited: bool,
    is_cancelled: bool,
    runs_again: bool,
}

/// Takes all jobs whose worker is not on the list any more.
async fn collect(db: &mut PgConnection, workers: Vec<i64>, crash: &Crash) -> Result<Rescued> {
    let found = orphans(db, crash).await?;
    let (again, ended): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|job| job.runs_again);
    let mut queues: Vec<i16> = again.iter().map(|job| job.queue).collect();
    let mut keys: Vec<Uuid> = ended.iter().filter(|job| job.is_unique).map(|job| job.id).collect();
    let mut gates: Vec<i32> =
        ended.iter().flat_map(|job| [job.gate, job.outer_gate]).flatten().collect();
    let awaited = ended.iter().filter(|job| job.is_awaited).map(|job| job.id).collect();
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
    sweep_requests(db).await?;
    count(db, &found, &crash.lost).await?;
    let (again, ended) = (again.len(), ended.len());
    Ok(Rescued { workers, again, ended, queues: gates::distinct(queues) })
}

/// A job that may be attempted once only is not started again: nobody knows how far it came.
async fn orphans(db: &mut PgConnection, crash: &Crash) -> Result<Vec<Found>> {
    let budget = i16::try_from(crash.budget).unwrap_or(i16::MAX).saturating_mul(ALONE);
    sqlx::query_file_as!(
        Found,
        "queries/jobs/rescue.sql",
        ALONE,
        i32::from(budget),
        as_json(&crash.lost),
        as_json(&crash.cancelled),
        SUSPECT,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// Counts the crashes, and writes with which fingerprint jobs have failed.
async fn count(db: &mut PgConnection, found: &[Found], lost: &JobError) -> Result<()> {
    let failed = |job: &&Found| !job.is_cancelled;
    let failures = found.iter().filter(failed).map(|job| Failure {
        job: job.id,
        kind: job.kind,
        error: lost,
        is_last: !job.runs_again,
    });
    let ended = found.iter().filter(failed).filter(|job| !job.runs_again);
    let (jobs, fingerprints): (Vec<Uuid>, Vec<i64>) =
        ended.map(|job| (job.id, fingerprint_of(job.kind, lost))).unzip();
    if !jobs.is_empty() {
        sqlx::query!(
            r#"
            UPDATE mindflight.outcome
            SET fingerprint = given.fingerprint
            FROM unnest($1::uuid[], $2::bigint[]) AS given (job, fingerprint)
            WHERE outcome.job = given.job
            "#,
            &jobs,
            &fingerprints,
        )
        .execute(&mut *db)
        .await
        .map_err(Error::of)?;
    }
    error_groups::count(db, failures).await
}

/// Requests whose job has ended say nothing. One whose job runs again by now is heard when it starts.
async fn sweep_requests(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM mindflight.cancel_request
        WHERE NOT EXISTS (SELECT FROM mindflight.lease WHERE lease.id = cancel_request.job)
            AND NOT EXISTS (SELECT FROM mindflight.scheduled WHERE scheduled.id = cancel_request.job)
            AND NOT EXISTS (SELECT FROM mindflight.blocked WHERE blocked.id = cancel_request.job)
            AND NOT EXISTS (
                SELECT
                FROM mindflight.job
                CROSS JOIN unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
                JOIN mindflight.ready ON ready.queue = job.queue
                    AND ready.lane = own.lane
                    AND ready.id = job.id
                WHERE job.id = cancel_request.job
            )
        "#,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
