//! Reads jobs with all that is known about them.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::error_group::Fingerprint;
use mindflight_api::job::{Attempt, AttemptEnd, JobError, JobParent};
use mindflight_api::{Fault, JobId, JobState, Retry, codes};
use mindflight_core::policy::Rate;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{Gate, Paused, View, Waits};
use crate::db::Db;
use crate::{Error, Result};

/// An attempt as the statement packs it: number, end, worker, start, end, error.
type Tried = (i16, i16, Option<i64>, Option<DateTime<Utc>>, Option<DateTime<Utc>>, Option<Value>);

struct Row {
    id: Uuid,
    kind: String,
    queue_id: i16,
    queue: String,
    paused_at: Option<DateTime<Utc>>,
    paused_by: Option<String>,
    pause_reason: Option<String>,
    paused_until: Option<DateTime<Utc>>,
    priority: i16,
    args: Value,
    meta: Option<Value>,
    state: i32,
    runs_alone: bool,
    attempt: i16,
    max_attempts: i16,
    run_at: Option<DateTime<Utc>>,
    is_put_off: bool,
    worker: Option<i64>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    result: Option<Value>,
    error: Option<Value>,
    fingerprint: Option<i64>,
    host: Option<String>,
    kind_workers: Option<i64>,
    gate: Option<String>,
    gate_is_queue: Option<bool>,
    gate_slots: Option<i32>,
    gate_used: Option<i64>,
    gate_rate: Option<i32>,
    gate_period: Option<f64>,
    gate_wakes_at: Option<DateTime<Utc>>,
    waits: Option<Value>,
    after: Option<Value>,
    then: Option<Vec<Uuid>>,
    ahead: Option<i64>,
    cancel_requested: bool,
    progress: Option<Value>,
    attempts: Option<Value>,
    now: DateTime<Utc>,
}

pub(super) async fn get(db: &Db, id: JobId, alive_for: Duration) -> Result<Option<View>> {
    let found = read(&mut *db.connection().await?, &[id.uuid()], alive_for, true).await?;
    Ok(found.into_iter().next())
}

pub(super) async fn get_all(db: &Db, ids: &[JobId], alive_for: Duration) -> Result<Vec<View>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let mut found = read(&mut *db.connection().await?, &wanted, alive_for, false).await?;
    let places: HashMap<JobId, usize> = ids.iter().copied().zip(0..).collect();
    found.sort_by_key(|view| places.get(&view.id).copied());
    Ok(found)
}

/// The jobs, newest first.
pub(super) async fn read(
    db: &mut PgConnection,
    ids: &[Uuid],
    alive_for: Duration,
    with_details: bool,
) -> Result<Vec<View>> {
    let mut tx = db.begin().await.map_err(Error::of)?;
    plan_once(&mut tx).await?;
    let rows = sqlx::query_file_as!(
        Row,
        "queries/job_views/view.sql",
        ids,
        alive_for.as_secs_f64(),
        with_details,
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::of)?;
    tx.commit().await.map_err(Error::of)?;
    Ok(rows.into_iter().map(View::from).collect())
}

/// Planning this statement takes ten times as long as running it, and no job wants another plan.
async fn plan_once(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT set_config('plan_cache_mode', 'force_generic_plan', true) AS mode
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// The state at a place of [`JobState::ALL`].
pub(super) fn state_at(place: i32) -> JobState {
    let place = usize::try_from(place).ok();
    place.and_then(|place| JobState::ALL.get(place)).copied().unwrap_or(JobState::Failed)
}

/// The place of a state in [`JobState::ALL`].
pub(super) fn place_of(state: JobState) -> i16 {
    let place = JobState::ALL.iter().position(|one| *one == state);
    place.and_then(|place| i16::try_from(place).ok()).unwrap_or(i16::MAX)
}

/// An error as it was stored. One of another shape is shown as it is.
pub(super) fn job_error(stored: Value) -> JobError {
    serde_json::from_value(stored.clone()).unwrap_or_else(|_| JobError {
        code: codes::INTERNAL.name.to_owned(),
        detail: stored.to_string(),
        fault: Fault::Server,
        retry: Retry::Same,
        fix: None,
    })
}

impl From<Row> for View {
    fn from(mut row: Row) -> Self {
        let state = state_at(row.state);
        // In lists the attempts are not read.
        let attempts = row.attempts.take().map(|tried| {
            let mut attempts = shown(tried);
            attempts.extend(newest_attempt(&row, state, &attempts));
            attempts
        });
        let gate = row.gate.map(|name| Gate {
            name,
            is_queue: row.gate_is_queue.unwrap_or_default(),
            slots: row.gate_slots.map(|slots| u64::from(slots.unsigned_abs())),
            used: row.gate_used.unwrap_or_default().unsigned_abs(),
            rate: rate(row.gate_rate, row.gate_period),
            wakes_at: row.gate_wakes_at,
        });
        let paused = row.paused_at.map(|at| Paused {
            at,
            by: row.paused_by,
            reason: row.pause_reason,
            until: row.paused_until,
        });
        let meta = row.meta.unwrap_or_default();
        let text = |name| meta.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            id: row.id.into(),
            kind: row.kind,
            queue_id: row.queue_id,
            queue: row.queue,
            paused,
            state,
            priority: u8::try_from(row.priority).unwrap_or_default(),
            runs_alone: row.runs_alone,
            attempt: number(row.attempt),
            max_attempts: number(row.max_attempts),
            args: row.args,
            result: row.result,
            error: row.error.map(job_error),
            fingerprint: row.fingerprint.map(Fingerprint::from),
            progress: row.progress.and_then(|progress| serde_json::from_value(progress).ok()),
            attempts: attempts.unwrap_or_default(),
            tags: tags(&meta),
            owner: text("owner"),
            provider: text("provider"),
            // What lists are ordered by, and what `since` and `until` compare.
            created_at: JobId::from(row.id).made_at(),
            run_at: row.run_at,
            is_put_off: row.is_put_off,
            started_at: row.started_at,
            finished_at: row.finished_at,
            worker: row.worker.map(|worker| (worker, row.host)),
            kind_workers: row.kind_workers.map(i64::unsigned_abs),
            gate,
            ahead: row.ahead.map(i64::unsigned_abs),
            waits: row.waits.and_then(waits),
            after: row.after.map(parents).unwrap_or_default(),
            then: row.then.unwrap_or_default().into_iter().map(JobId::from).collect(),
            cancel_requested: row.cancel_requested,
            now: row.now,
        }
    }
}

fn waits(counted: Value) -> Option<Waits> {
    let (unfinished, all) = serde_json::from_value(counted).ok()?;
    Some(Waits { unfinished, all })
}

/// Ids and the places of their states.
fn parents(found: Value) -> Vec<JobParent> {
    let found: Vec<(JobId, Option<i32>)> = serde_json::from_value(found).unwrap_or_default();
    found.into_iter().map(|(id, state)| JobParent { id, state: state.map(state_at) }).collect()
}

/// A rate as it was stored: its count, and its period in seconds.
pub(super) fn rate(count: Option<i32>, period: Option<f64>) -> Option<Rate> {
    let period = Duration::try_from_secs_f64(period?).ok()?;
    Some(Rate::new(count?.unsigned_abs(), period))
}

fn shown(tried: Value) -> Vec<Attempt> {
    let tried: Vec<Tried> = serde_json::from_value(tried).unwrap_or_default();
    let attempts = tried.into_iter().map(|tried| {
        let (attempt, ended, worker, started_at, finished_at, error) = tried;
        Attempt {
            attempt: number(attempt),
            state: match ended {
                0 => AttemptEnd::Failed,
                1 => AttemptEnd::Snoozed,
                2 => AttemptEnd::Crashed,
                3 => AttemptEnd::Returned,
                _ => AttemptEnd::Cancelled,
            },
            worker,
            started_at,
            finished_at,
            error: error.map(job_error),
        }
    });
    attempts.collect()
}

/// The attempt that runs, or the one that ended the job: they have no row of their own.
fn newest_attempt(row: &Row, state: JobState, before: &[Attempt]) -> Option<Attempt> {
    let end = match state {
        JobState::Running => AttemptEnd::Running,
        JobState::Succeeded => AttemptEnd::Succeeded,
        JobState::Failed => AttemptEnd::Failed,
        JobState::Cancelled => AttemptEnd::Cancelled,
        JobState::Scheduled | JobState::Queued | JobState::Blocked | JobState::Retrying => {
            return None;
        }
    };
    // A job that was cancelled while it waited for its next attempt.
    let is_known = before.iter().any(|one| one.attempt == number(row.attempt));
    if row.attempt == 0 || is_known {
        return None;
    }
    Some(Attempt {
        attempt: number(row.attempt),
        state: end,
        worker: row.worker,
        started_at: row.started_at,
        finished_at: row.finished_at,
        error: (end != AttemptEnd::Running).then(|| row.error.clone().map(job_error)).flatten(),
    })
}

fn tags(meta: &Value) -> Vec<String> {
    let tags = meta.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(super) fn number(stored: i16) -> u32 {
    u32::from(stored.unsigned_abs())
}
