//! Writes down how far running jobs are and what they log.

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_api::job::Progress;
use mindflight_core::ports::Lease;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::claimer::small;
use super::leases::Leases;
use crate::session::Session;
use crate::{Error, Result};

/// Who writes down progress and log lines.
pub struct Recorder(pub(super) Session);

/// What running jobs said since the last time.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// How far attempts are; one entry an attempt. What one says that has lost its job is left out.
    pub progress: Vec<(Lease, Progress)>,
    /// Lines: job, attempt, time, text.
    pub lines: Vec<(JobId, u32, DateTime<Utc>, String)>,
}

impl Recorded {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.progress.is_empty() && self.lines.is_empty()
    }
}

impl Recorder {
    /// Writes it down.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn record(&mut self, recorded: &Recorded) -> Result<()> {
        self.0
            .run(async |db| {
                let mut tx = db.begin().await.map_err(Error::of)?;
                progress(&mut tx, &recorded.progress).await?;
                lines(&mut tx, &recorded.lines).await?;
                tx.commit().await.map_err(Error::of)
            })
            .await
    }
}

async fn progress(db: &mut PgConnection, steps: &[(Lease, Progress)]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let mut steps: Vec<&(Lease, Progress)> = steps.iter().collect();
    // In one order, or two writers could wait for each other.
    steps.sort_unstable_by_key(|(lease, _)| lease.job);
    let leases: Leases = steps.iter().map(|(lease, _)| *lease).collect();
    let text = |step: &Progress| serde_json::to_string(step).unwrap_or_default();
    let texts: Vec<String> = steps.iter().map(|(_, step)| text(step)).collect();
    sqlx::query!(
        r#"
        INSERT INTO mindflight.progress (job, progress)
        SELECT step.job, step.progress::json
        FROM unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::text[]) AS step (job, worker, attempt, progress)
        WHERE EXISTS (
            SELECT
            FROM mindflight.lease
            WHERE lease.id = step.job
                AND lease.worker = step.worker
                AND lease.attempt = step.attempt
        ) OR EXISTS (
            SELECT
            FROM mindflight.outcome
            WHERE outcome.job = step.job
                AND outcome.worker = step.worker
                AND outcome.attempt = step.attempt
        )
        ON CONFLICT (job) DO UPDATE
        SET progress = excluded.progress, updated_at = clock_timestamp()
        "#,
        &leases.ids,
        &leases.workers,
        &leases.attempts,
        &texts,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn lines(db: &mut PgConnection, lines: &[(JobId, u32, DateTime<Utc>, String)]) -> Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    let jobs: Vec<Uuid> = lines.iter().map(|(job, ..)| job.uuid()).collect();
    let attempts: Vec<i16> = lines.iter().map(|(_, attempt, ..)| small(*attempt)).collect();
    let times: Vec<DateTime<Utc>> = lines.iter().map(|(_, _, at, _)| *at).collect();
    let texts: Vec<String> = lines.iter().map(|(.., line)| line.replace('\0', "")).collect();
    sqlx::query!(
        r#"
        INSERT INTO mindflight.log_line (job, attempt, at, line)
        SELECT said.job, said.attempt, said.at, said.line
        FROM unnest($1::uuid[], $2::smallint[], $3::timestamptz[], $4::text[])
            WITH ORDINALITY AS said (job, attempt, at, line, number)
        ORDER BY said.number
        "#,
        &jobs,
        &attempts,
        &times,
        &texts,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
