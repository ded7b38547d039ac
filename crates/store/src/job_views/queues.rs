//! Queues: how long they are, who works on them, and their switch.

use std::time::Duration;

use mindflight_api::job::Queue;
use mindflight_core::ports::Record;

use crate::db::{Db, commit};
use crate::{Error, Result, audit};

/// Every queue, or one.
pub(super) async fn list(db: &Db, name: Option<&str>, alive_for: Duration) -> Result<Vec<Queue>> {
    let rows = sqlx::query_file!("queries/job_views/queues.sql", name, alive_for.as_secs_f64(),)
        .fetch_all(&db.pool)
        .await
        .map_err(Error::of)?;
    let jobs = |count: Option<i64>| count.unwrap_or_default().unsigned_abs();
    let queue = rows.into_iter().map(|row| Queue {
        name: row.name,
        queued: row.queued.unsigned_abs(),
        running: jobs(row.running),
        scheduled: jobs(row.scheduled),
        blocked: jobs(row.blocked),
        oldest_ms: row.oldest_ms.map(|millis| millis.max(0).unsigned_abs()),
        workers: row.workers.unsigned_abs(),
        keeps_history: row.keeps_history,
        paused_at: row.paused_at,
        paused_by: row.paused_by,
        pause_reason: row.pause_reason,
    });
    Ok(queue.collect())
}

/// Pausing again changes who and why, and not since when.
pub(super) async fn pause(
    db: &Db,
    name: &str,
    reason: Option<&str>,
    record: &Record,
) -> Result<Option<i16>> {
    let mut tx = db.begin().await?;
    let id = sqlx::query_scalar!(
        r#"
        UPDATE mindflight.queue
        SET paused_at = coalesce(paused_at, clock_timestamp()), paused_by = $2, pause_reason = $3
        WHERE name = $1
        RETURNING id
        "#,
        name,
        record.caller.facts().name,
        reason,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(Error::of)?;
    finish(tx, id, record).await
}

pub(super) async fn resume(db: &Db, name: &str, record: &Record) -> Result<Option<i16>> {
    let mut tx = db.begin().await?;
    let id = sqlx::query_scalar!(
        r#"
        UPDATE mindflight.queue
        SET paused_at = NULL, paused_by = NULL, pause_reason = NULL
        WHERE name = $1
        RETURNING id
        "#,
        name,
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(Error::of)?;
    finish(tx, id, record).await
}

async fn finish(
    mut tx: sqlx::Transaction<'static, sqlx::Postgres>,
    id: Option<i16>,
    record: &Record,
) -> Result<Option<i16>> {
    if id.is_some() {
        audit::write(&mut tx, record).await?;
        commit(tx).await?;
    }
    Ok(id)
}
