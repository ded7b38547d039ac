//! Schedules: which slots are done is decided by one row, whoever fires.

use chrono::{DateTime, Utc};
use mindflight_api::{JobId, ScheduleId};
use mindflight_core::policy::Missed;
use sqlx::{Connection as _, PgConnection};

use super::insert::{self, NewRow};
use super::keeper::Keeper;
use crate::{Error, Result};

/// A schedule that a mounted kind declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSchedule {
    /// The number of the kind.
    pub kind: i32,
    /// Five fields.
    pub cron: String,
    /// IANA time zone.
    pub zone: String,
    /// What happens to slots that passed while no server ran.
    pub missed: Missed,
}

/// A schedule that may fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its id.
    pub id: ScheduleId,
    /// What it declares.
    pub declared: NewSchedule,
    /// The latest slot that is done.
    pub last_slot: DateTime<Utc>,
    /// The database's time when it was read.
    pub now: DateTime<Utc>,
}

impl Keeper {
    /// Makes the schedules that are not there yet; they begin now. Gives all of these kinds that are not paused.
    ///
    /// # Errors
    /// When the database does not answer; also in the other.
    pub async fn schedules(&mut self, declared: &[NewSchedule], kinds: &[i32]) -> Result<Vec<Due>> {
        self.0
            .run(async |db| {
                declare(db, declared).await?;
                active(db, kinds).await
            })
            .await
    }

    /// Marks slots up to `slot` as done and makes their jobs, in one transaction; whether this call did it.
    ///
    /// # Errors
    /// As [`schedules`](Self::schedules).
    pub async fn fire(
        &mut self,
        schedule: ScheduleId,
        before: DateTime<Utc>,
        slot: DateTime<Utc>,
        jobs: &[NewRow],
    ) -> Result<bool> {
        self.0
            .run(async |db| {
                let mut tx = db.begin().await.map_err(Error::of)?;
                let last = jobs.last().map(|job| job.id);
                if !advance(&mut tx, schedule, (before, slot), last).await? {
                    return Ok(false);
                }
                insert::make(&mut tx, jobs).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(true)
            })
            .await
    }
}

fn name(missed: Missed) -> &'static str {
    match missed {
        Missed::Skip => "skip",
        Missed::Latest => "latest",
        Missed::All => "all",
    }
}

async fn declare(db: &mut PgConnection, declared: &[NewSchedule]) -> Result<()> {
    for schedule in declared {
        sqlx::query!(
            r#"
            INSERT INTO mindflight.schedule (id, kind, cron, zone, missed, last_slot)
            VALUES ($1, $2, $3, $4, $5, clock_timestamp())
            ON CONFLICT (kind, cron, zone) DO UPDATE
            SET missed = excluded.missed
            WHERE schedule.missed <> excluded.missed
            "#,
            ScheduleId::new().uuid(),
            schedule.kind,
            schedule.cron,
            schedule.zone,
            name(schedule.missed),
        )
        .execute(&mut *db)
        .await
        .map_err(Error::of)?;
    }
    Ok(())
}

async fn active(db: &mut PgConnection, kinds: &[i32]) -> Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, kind, cron, zone, missed, last_slot, clock_timestamp() AS "now!"
        FROM mindflight.schedule
        WHERE kind = ANY ($1)
            AND paused_at IS NULL
        ORDER BY id
        "#,
        kinds,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let missed = |text: &str| match text {
        "all" => Missed::All,
        "latest" => Missed::Latest,
        _ => Missed::Skip,
    };
    let due = rows.into_iter().map(|row| Due {
        id: row.id.into(),
        declared: NewSchedule {
            kind: row.kind,
            missed: missed(&row.missed),
            cron: row.cron,
            zone: row.zone,
        },
        last_slot: row.last_slot,
        now: row.now,
    });
    Ok(due.collect())
}

async fn advance(
    db: &mut PgConnection,
    schedule: ScheduleId,
    (before, slot): (DateTime<Utc>, DateTime<Utc>),
    last_job: Option<JobId>,
) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        UPDATE mindflight.schedule
        SET last_slot = $3, last_job = coalesce($4, last_job)
        WHERE id = $1
            AND last_slot = $2
            AND paused_at IS NULL
        "#,
        schedule.uuid(),
        before,
        slot,
        last_job.map(JobId::uuid),
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(done.rows_affected() == 1)
}
