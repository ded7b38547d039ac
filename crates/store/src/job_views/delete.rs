//! Forgets jobs.

use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Record;
use sqlx::PgConnection;
use uuid::Uuid;

use super::cancel::{End, begin, end};
use super::rows;
use crate::db::{Db, commit};
use crate::{Error, Result, audit};

/// What became of a job that was to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delete {
    /// It is gone.
    Deleted,
    /// It has not ended.
    Refused(JobState),
}

pub(super) async fn delete(db: &Db, id: JobId, record: &Record) -> Result<Option<Delete>> {
    let mut tx = begin(db).await?;
    let ended = sqlx::query!(
        r#"
        DELETE FROM mindflight.outcome
        WHERE job = $1
        "#,
        id.uuid(),
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    if ended.rows_affected() > 0 {
        forget(&mut tx, &[id.uuid()]).await?;
        audit::write(&mut tx, record).await?;
        commit(tx).await?;
        return Ok(Some(Delete::Deleted));
    }
    match end(&mut tx, id).await? {
        End::Gone => Ok(None),
        // It ended just now.
        End::Ended(state) => Ok(Some(Delete::Refused(state))),
        End::Moved => state(&mut tx, id).await.map(|state| state.map(Delete::Refused)),
    }
}

/// The state of a job, wherever it is.
pub(super) async fn state(db: &mut PgConnection, id: JobId) -> Result<Option<JobState>> {
    let found = rows::read(db, &[id.uuid()], std::time::Duration::ZERO, false).await?;
    Ok(found.first().map(|view| view.state))
}

/// Deletes all that there is of jobs but their places.
pub(super) async fn forget(db: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    sqlx::query!(
        r#"
        WITH tried AS (
            DELETE FROM mindflight.attempt WHERE job = ANY ($1)
        ),
        progress AS (
            DELETE FROM mindflight.progress WHERE job = ANY ($1)
        ),
        lines AS (
            DELETE FROM mindflight.log_line WHERE job = ANY ($1)
        ),
        wishes AS (
            DELETE FROM mindflight.cancel_request WHERE job = ANY ($1)
        ),
        links AS (
            DELETE FROM mindflight.dependency WHERE job = ANY ($1)
        )
        DELETE FROM mindflight.job
        WHERE id = ANY ($1)
        "#,
        ids,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
