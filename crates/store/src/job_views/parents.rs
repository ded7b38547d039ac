//! What jobs have waited for, and whose the jobs are that one is to wait for.

use std::collections::HashMap;

use mindflight_api::JobId;
use mindflight_core::ports::Parent;
use serde_json::Value;
use uuid::Uuid;

use super::rows::{job_error, state_at};
use crate::db::Db;
use crate::{Error, Result};

pub(super) async fn owners(db: &Db, ids: &[JobId]) -> Result<HashMap<JobId, Option<String>>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        SELECT id, meta ->> 'owner' AS owner
        FROM mindflight.job
        WHERE id = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.owner)).collect())
}

/// One that somebody has started again since runs, or is shown as one that waits for a worker.
pub(super) async fn of(db: &Db, job: JobId) -> Result<Vec<Parent>> {
    let rows = sqlx::query!(
        r#"
        SELECT dependency.parent, kind.name AS kind, outcome.state AS "state?", outcome.result AS "result?: Value",
            outcome.error AS "error?: Value",
            EXISTS (SELECT FROM mindflight.lease WHERE lease.id = dependency.parent) AS "is_running!"
        FROM mindflight.dependency
        CROSS JOIN LATERAL (
            SELECT job.kind
            FROM mindflight.job
            WHERE job.id = dependency.parent
            LIMIT 1
        ) AS body
        JOIN mindflight.kind ON kind.id = body.kind
        LEFT JOIN mindflight.outcome ON outcome.job = dependency.parent
        WHERE dependency.job = $1
        ORDER BY dependency.place
        "#,
        job.uuid(),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let parents = rows.into_iter().map(|row| {
        let place = match row.state {
            Some(state) => 5 + i32::from(state),
            None if row.is_running => 3,
            None => 1,
        };
        Parent::new(row.parent.into(), row.kind, state_at(place))
            .with_result(row.result)
            .with_error(row.error.map(job_error))
    });
    Ok(parents.collect())
}
