//! Makes jobs that start at once: they are leased in the statement that makes them, and never wait in the queue.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mindflight_core::ports::Lease;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::claimer::Claimed;
use super::insert::{Columns, Due, NewRow};
use super::inserter::Inserter;
use crate::{Error, Result};

impl NewRow {
    /// Whether nothing holds it back: it is due, and has no key, gate or other job to wait for, nor does one wait
    /// for it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.due == Due::Now
            && self.unique.is_none()
            && self.gate.is_none()
            && self.after.is_empty()
            && !self.is_awaited
    }
}

impl Inserter {
    /// Makes plain jobs and gives them to `worker`, in their order; they are durable when this returns. If the worker
    /// is not known any more, or a queue is paused or limited, none is given, and all wait.
    ///
    /// # Errors
    /// As [`insert`](Self::insert); the jobs may also have been given then.
    pub async fn start(&mut self, rows: &[NewRow], worker: i64) -> Result<Vec<Claimed>> {
        let times = self.0.run(async |db| start(db, rows, worker).await).await?;
        let started = rows.iter().filter_map(|row| {
            let claimed_at = *times.get(&row.id.uuid())?;
            Some(Claimed {
                lease: Lease { job: row.id, worker, attempt: 1 },
                kind: row.kind,
                queue: row.queue,
                lane: i16::from(row.priority),
                max_attempts: row.max_attempts.max(1),
                claimed_at,
                args: row.args.clone(),
                meta: row.meta.clone().filter(|_| row.needs_meta),
                is_unique: false,
                is_gated: false,
            })
        });
        Ok(started.collect())
    }
}

async fn start(
    db: &mut PgConnection,
    rows: &[NewRow],
    worker: i64,
) -> Result<HashMap<Uuid, DateTime<Utc>>> {
    let mut columns = Columns::default();
    rows.iter().for_each(|row| columns.push(row, false));
    let mut queues = columns.queue.clone();
    queues.sort_unstable();
    queues.dedup();
    let rows = sqlx::query_file!(
        "queries/jobs/start.sql",
        &columns.id,
        &columns.kind,
        &columns.queue,
        &columns.priority,
        &columns.max_attempts,
        &columns.args as &[&str],
        &columns.meta as &[Option<Value>],
        &columns.inline,
        worker,
        &queues,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.id, row.claimed_at)).collect())
}
