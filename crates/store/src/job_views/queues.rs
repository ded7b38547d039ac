//! Queues: how long they are, who works on them, and their switch.

use std::time::Duration;

use mindflight_api::job::Queue;
use mindflight_core::policy::Rate;
use mindflight_core::ports::Record;

use super::Until;
use super::cancel::begin;
use super::rows::rate;
use crate::db::{Db, commit};
use crate::jobs::interval;
use crate::{Error, Result, audit};

/// Every queue, or one.
pub(super) async fn list(db: &Db, name: Option<&str>, alive_for: Duration) -> Result<Vec<Queue>> {
    let mut tx = begin(db).await?;
    let rows = sqlx::query_file!("queries/job_views/queues.sql", name, alive_for.as_secs_f64(),)
        .fetch_all(&mut *tx)
        .await
        .map_err(Error::of)?;
    commit(tx).await?;
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
        paused_until: row.paused_until,
        concurrency: row.slots.map(i32::unsigned_abs),
        rate: rate(row.rate, row.rate_period).map(|rate| rate.to_string()),
        retention: row.retention.map(|seconds| span(Duration::from_secs_f64(seconds.max(0.0)))),
    });
    Ok(queue.collect())
}

/// A span as people write it: `90s`, `7d`.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let fits = units.iter().find(|(length, _)| seconds > 0 && seconds.is_multiple_of(*length));
    fits.map_or_else(
        || format!("{seconds}s"),
        |(length, unit)| format!("{}{unit}", seconds / length),
    )
}

/// What a queue gets other limits by; what is `None` stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueLimits {
    /// Jobs that run at once, or no such limit.
    pub slots: Option<Option<u32>>,
    /// Jobs that start in a stretch of time, or no such limit.
    pub rate: Option<Option<Rate>>,
    /// How long ended jobs are kept, or as long as all others.
    pub retention: Option<Option<Duration>>,
}

/// A new rate begins with a full bucket; another one than before with what was left.
pub(super) async fn limit(
    db: &Db,
    name: &str,
    limits: &QueueLimits,
    record: &Record,
) -> Result<Option<i16>> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let rate = limits.rate.flatten();
    let mut tx = db.begin().await?;
    let id = sqlx::query_scalar!(
        r#"
        UPDATE mindflight.queue
        SET slots = CASE WHEN $2 THEN $3 ELSE slots END,
            rate = CASE WHEN $4 THEN $5 ELSE rate END,
            rate_period = CASE WHEN $4 THEN $6 ELSE rate_period END,
            tokens = CASE WHEN rate IS NULL THEN coalesce($5, 0)::double precision ELSE tokens END,
            tokens_at = CASE WHEN rate IS NULL THEN clock_timestamp() ELSE tokens_at END,
            retention = CASE WHEN $7 THEN $8 ELSE retention END
        WHERE name = $1
        RETURNING id
        "#,
        name,
        limits.slots.is_some(),
        limits.slots.flatten().map(number),
        limits.rate.is_some(),
        rate.map(|rate| number(rate.count)),
        rate.map(|rate| interval(rate.period)),
        limits.retention.is_some(),
        limits.retention.flatten().map(interval),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(Error::of)?;
    finish(tx, id, record).await
}

/// Pausing again changes who, why and until when, and not since when.
pub(super) async fn pause(
    db: &Db,
    name: &str,
    (reason, until): (Option<&str>, Option<Until>),
    record: &Record,
) -> Result<Option<i16>> {
    let (at, after) = match until {
        None => (None, None),
        Some(Until::At(time)) => (Some(time), None),
        Some(Until::After(wait)) => (None, Some(interval(wait))),
    };
    let mut tx = db.begin().await?;
    // One that is over and was not ended yet is none.
    let id = sqlx::query_scalar!(
        r#"
        UPDATE mindflight.queue
        SET paused_at = CASE
                WHEN paused_until <= clock_timestamp() THEN clock_timestamp()
                ELSE coalesce(paused_at, clock_timestamp())
            END,
            paused_by = $2, pause_reason = $3,
            paused_until = coalesce($4, clock_timestamp() + $5::interval)
        WHERE name = $1
        RETURNING id
        "#,
        name,
        record.caller.facts().name,
        reason,
        at,
        after,
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
        SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, paused_until = NULL
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
