//! One action on many jobs in few statements: on all of which nothing has to be looked at one by one.

use mindflight_api::job::JobAction;
use mindflight_api::{JobId, codes};
use mindflight_core::ports::Record;
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::{cancel, delete};
use crate::jobs::dependents;
use crate::jobs::gates::distinct;
use crate::{Error, Result};

/// What became of the jobs of one batch.
#[derive(Debug, Default)]
pub(super) struct Acted {
    /// It was done to these.
    pub(super) done: Vec<Uuid>,
    /// Those of them that run, and whose worker has to be told.
    pub(super) asked: Vec<JobId>,
    /// It cannot be done to so many.
    pub(super) refused: u64,
    /// These have to be looked at one by one.
    pub(super) left: Vec<Uuid>,
    /// Queues that got jobs.
    pub(super) queues: Vec<i16>,
}

/// Does it to all of `ids` but those of the kind `spared`.
pub(super) async fn act(
    db: &mut PgConnection,
    action: JobAction,
    ids: &[Uuid],
    spared: Option<i32>,
    record: &Record,
) -> Result<Acted> {
    let mut acted = Acted::default();
    if ids.is_empty() {
        return Ok(acted);
    }
    match action {
        JobAction::Cancel => stop(db, ids, spared, record, &mut acted).await?,
        JobAction::Retry => run_now(db, ids, spared, &mut acted).await?,
        JobAction::Delete => forget(db, ids, spared, &mut acted).await?,
        JobAction::Snooze => {
            return Err(Error::NotSupported("jobs are put off one by one".to_owned()));
        }
    }
    sort_the_rest(db, action, ids, spared, &mut acted).await?;
    Ok(acted)
}

async fn stop(
    db: &mut PgConnection,
    ids: &[Uuid],
    spared: Option<i32>,
    record: &Record,
    acted: &mut Acted,
) -> Result<()> {
    let error = cancel::error(None, &record.caller.facts().name)?;
    let stopped = sqlx::query_file!("queries/job_views/cancel_many.sql", ids, error, spared)
        .fetch_all(&mut *db)
        .await
        .map_err(Error::of)?;
    let gone: Vec<Uuid> =
        stopped.iter().filter(|row| !row.keeps_history).map(|row| row.id).collect();
    if !gone.is_empty() {
        delete::forget(db, &gone).await?;
    }
    acted.done.extend(stopped.iter().map(|row| row.id));
    let rest = without(ids, &acted.done);
    let asked = ask(db, &rest, spared).await?;
    acted.done.extend(&asked);
    acted.asked.extend(asked.into_iter().map(JobId::from));
    Ok(())
}

/// Asks the workers of those that run to stop them. Their leases are held meanwhile, as when it is done to one.
async fn ask(db: &mut PgConnection, ids: &[Uuid], spared: Option<i32>) -> Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        WITH held AS MATERIALIZED (
            SELECT id
            FROM mindflight.lease
            WHERE id = ANY ($1)
                AND kind IS DISTINCT FROM $2::integer
            ORDER BY id
            FOR UPDATE
        )
        INSERT INTO mindflight.cancel_request (job)
        SELECT id
        FROM held
        ON CONFLICT (job) DO UPDATE
        SET reason = cancel_request.reason
        RETURNING job
        "#,
        ids,
        spared,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn run_now(
    db: &mut PgConnection,
    ids: &[Uuid],
    spared: Option<i32>,
    acted: &mut Acted,
) -> Result<()> {
    let lost = codes::WORKER_LOST.name;
    let queued = sqlx::query_file!("queries/job_views/retry_many.sql", ids, spared, lost)
        .fetch_all(&mut *db)
        .await
        .map_err(Error::of)?;
    // Another job may have been made to wait for one of them while its end was being held.
    let again: Vec<Uuid> = queued.iter().map(|row| row.id).collect();
    dependents::expect_again(db, &again).await?;
    acted.done.extend(queued.iter().map(|row| row.id));
    acted.queues = distinct(queued.into_iter().map(|row| row.queue).collect());
    Ok(())
}

async fn forget(
    db: &mut PgConnection,
    ids: &[Uuid],
    spared: Option<i32>,
    acted: &mut Acted,
) -> Result<()> {
    acted.done = sqlx::query_scalar!(
        r#"
        WITH first AS MATERIALIZED (
            SELECT job
            FROM mindflight.outcome
            WHERE job = ANY ($1)
                AND kind IS DISTINCT FROM $2::integer
            ORDER BY job
            FOR UPDATE
        )
        DELETE FROM mindflight.outcome
        WHERE job = ANY (ARRAY(SELECT first.job FROM first))
        RETURNING job
        "#,
        ids,
        spared,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    if !acted.done.is_empty() {
        delete::forget(db, &acted.done).await?;
    }
    Ok(())
}

/// Which of those it was not done to are not to be touched, which cannot be, and which may be after a closer look.
async fn sort_the_rest(
    db: &mut PgConnection,
    action: JobAction,
    ids: &[Uuid],
    spared: Option<i32>,
    acted: &mut Acted,
) -> Result<()> {
    let rest = without(ids, &acted.done);
    if rest.is_empty() {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"
        SELECT wanted.id AS "id!", job.kind AS "kind?", outcome.state AS "state?"
        FROM unnest($1::uuid[]) AS wanted (id)
        LEFT JOIN LATERAL (
            SELECT job.kind
            FROM mindflight.job
            WHERE job.id = wanted.id
            LIMIT 1
        ) AS job ON true
        LEFT JOIN LATERAL (
            SELECT outcome.state
            FROM mindflight.outcome
            WHERE outcome.job = wanted.id
            LIMIT 1
        ) AS outcome ON true
        "#,
        &rest,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    for row in rows {
        let is_possible = match (action, row.state) {
            (JobAction::Cancel, None) => true,
            (JobAction::Retry, state) => state != Some(0),
            (JobAction::Cancel, Some(_)) | (JobAction::Delete | JobAction::Snooze, _) => false,
        };
        match row.kind {
            Some(kind) if spared == Some(kind) => {}
            Some(_) if is_possible => acted.left.push(row.id),
            Some(_) | None => acted.refused += 1,
        }
    }
    Ok(())
}

fn without(ids: &[Uuid], done: &[Uuid]) -> Vec<Uuid> {
    let done: std::collections::HashSet<&Uuid> = done.iter().collect();
    ids.iter().filter(|id| !done.contains(id)).copied().collect()
}
