//! The processes that run jobs.

use mindflight_api::job::Worker;

use crate::db::Db;
use crate::{Error, Result};

pub(super) async fn list(db: &Db) -> Result<Vec<Worker>> {
    let rows = sqlx::query!(
        r#"
        SELECT worker.id, worker.host, worker.pid, worker.version, worker.slots, worker.running,
            worker.started_at, worker.beat_at, worker.stopping,
            ARRAY(
                SELECT kind.name
                FROM mindflight.kind
                WHERE kind.id = ANY (worker.kinds)
                ORDER BY kind.name
            ) AS "kinds!"
        FROM mindflight.worker
        ORDER BY worker.id DESC
        LIMIT 1000
        "#,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let worker = rows.into_iter().map(|row| Worker {
        id: row.id,
        host: row.host,
        pid: row.pid,
        version: row.version,
        slots: row.slots.unsigned_abs(),
        running: row.running.unsigned_abs(),
        kinds: row.kinds,
        started_at: row.started_at,
        beat_at: row.beat_at,
        stopping: row.stopping,
    });
    Ok(worker.collect())
}
