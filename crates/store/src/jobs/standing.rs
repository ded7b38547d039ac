//! How the queue stands as a whole: what health asks.

use std::time::Duration;

use mindflight_api::JobId;

use super::Jobs;
use super::keeper::interval;
use crate::db::Db;
use crate::{Error, Result};

/// How the queue stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Workers that said so within the asked time that they live.
    pub workers: u64,
    /// The job that is next in each queue that is neither paused nor held by its limits: the queue's name, and the job.
    pub next: Vec<(String, JobId)>,
}

impl Jobs {
    /// How the queue stands. A worker counts as live if it has said so within `alive_for`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing(&self, alive_for: Duration) -> Result<Standing> {
        self.db.bounded(standing(&self.db, alive_for)).await
    }
}

async fn standing(db: &Db, alive_for: Duration) -> Result<Standing> {
    let workers = sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "workers!"
        FROM mindflight.worker
        WHERE beat_at >= clock_timestamp() - $1::interval
            AND NOT stopping
        "#,
        interval(alive_for),
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)?;
    let rows = sqlx::query!(
        r#"
        SELECT queue.name, first.id AS "id!"
        FROM mindflight.queue
        CROSS JOIN LATERAL (
            SELECT id
            FROM mindflight.ready
            WHERE ready.queue = queue.id
            ORDER BY lane, id
            LIMIT 1
        ) AS first
        WHERE (queue.paused_at IS NULL OR queue.paused_until <= clock_timestamp())
            -- What a limit holds waits as long as it was told to.
            AND (queue.slots IS NULL OR queue.slots > (
                SELECT count(*) FROM mindflight.lease WHERE lease.queue = queue.id
            ))
            AND (queue.rate IS NULL OR queue.tokens >= 1 OR queue.tokens_at + queue.rate_period < clock_timestamp())
        ORDER BY queue.name
        "#,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let next = rows.into_iter().map(|row| (row.name, row.id.into())).collect();
    Ok(Standing { workers: workers.unsigned_abs(), next })
}
