//! What makes jobs by the clock.

use mindflight_api::ScheduleId;
use mindflight_api::job::Schedule;
use mindflight_core::ports::Record;

use crate::db::{Db, commit};
use crate::{Error, Result, audit};

/// Every schedule, or one.
pub(super) async fn list(db: &Db, id: Option<ScheduleId>) -> Result<Vec<Schedule>> {
    let rows = sqlx::query!(
        r#"
        SELECT schedule.id, kind.name AS kind, schedule.cron, schedule.zone, schedule.missed, schedule.last_slot,
            schedule.last_job, schedule.paused_at, schedule.paused_by
        FROM mindflight.schedule
        JOIN mindflight.kind ON kind.id = schedule.kind
        WHERE $1::uuid IS NULL
            OR schedule.id = $1
        ORDER BY kind.name, schedule.cron, schedule.zone
        LIMIT 1000
        "#,
        id.map(ScheduleId::uuid),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let schedule = rows.into_iter().map(|row| Schedule {
        id: row.id.into(),
        kind: row.kind,
        cron: row.cron,
        zone: row.zone,
        missed: row.missed,
        next: Vec::new(),
        last: Some(row.last_slot),
        last_job: row.last_job.map(Into::into),
        paused_at: row.paused_at,
        paused_by: row.paused_by,
    });
    Ok(schedule.collect())
}

pub(super) async fn pause(db: &Db, id: ScheduleId, record: &Record) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        UPDATE mindflight.schedule
        SET paused_at = coalesce(paused_at, clock_timestamp()), paused_by = coalesce(paused_by, $2)
        WHERE id = $1
        "#,
        id.uuid(),
        record.caller.facts().name,
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut tx, record).await?;
    commit(tx).await?;
    Ok(true)
}

pub(super) async fn resume(db: &Db, id: ScheduleId, record: &Record) -> Result<bool> {
    let mut tx = db.begin().await?;
    let done = sqlx::query!(
        r#"
        UPDATE mindflight.schedule
        SET paused_at = NULL, paused_by = NULL
        WHERE id = $1
        "#,
        id.uuid(),
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    audit::write(&mut tx, record).await?;
    commit(tx).await?;
    Ok(true)
}
