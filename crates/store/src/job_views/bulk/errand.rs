//! The same action on any number of jobs, as a job of its own: how far it is stands in the transaction of what was
//! done, so that another process goes on exactly there.

use mindflight_api::JobId;
use mindflight_api::job::{BulkDone, JobAction};
use mindflight_core::ports::{Lease, Record};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::super::cancel::begin;
use super::super::find::{self, Filter};
use super::super::{JobViews, bulk};
use super::{BATCH, Bulk, Work, of_action, patiently};
use crate::db::{Db, commit};
use crate::{Error, Result, audit};

/// How many jobs are counted before the work begins.
const MOST_COUNTED: u32 = 10_000;

/// An action on all jobs that fit and were made before the job that does it.
#[derive(Debug, Clone)]
pub struct Errand {
    /// The attempt at that job.
    pub lease: Lease,
    /// What is done.
    pub action: JobAction,
    /// To which jobs.
    pub filter: Filter,
    /// Jobs of this kind are left alone: it is the kind of the errands themselves.
    pub kind: String,
    /// Who does it; its `detail` says to which jobs.
    pub record: Record,
}

/// How far an errand is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// Jobs it was done to.
    pub done: u64,
    /// Jobs to which it cannot be done.
    pub refused: u64,
    /// How many there were at the beginning, if that was easily counted.
    pub total: Option<u64>,
    /// What comes next is older than this job.
    pub cursor: Option<JobId>,
    /// Nothing is left to do.
    pub is_over: bool,
}

/// Errands, as whoever runs them needs them.
#[derive(Clone)]
pub struct Errands(pub(crate) JobViews);

impl Errands {
    /// How far an errand is; at its beginning it counts what there is to do.
    ///
    /// # Errors
    /// When the database does not answer, or a text of the filter has a NUL.
    pub async fn reached(&self, errand: &Errand) -> Result<Reached> {
        errand.filter.check()?;
        let db = self.0.db();
        db.bounded(async {
            let mut tx = begin(db).await?;
            let reached = match stored(&mut tx, errand.lease.job).await? {
                Some(reached) => reached,
                None => Reached { total: total(&mut tx, errand).await?, ..Reached::default() },
            };
            commit(tx).await?;
            Ok(reached)
        })
        .await
    }

    /// The next batch: how far it is now, and whom that concerns.
    ///
    /// # Errors
    /// As in [`reached`](Self::reached), and a conflict when the attempt is not this worker's any more.
    pub async fn step(&self, errand: &Errand, reached: &Reached) -> Result<(Reached, Bulk)> {
        let mut filter = errand.bounded();
        filter.after = reached.cursor.or(filter.after);
        let (action, spared) = (errand.action, Some(&*errand.kind));
        let work = Work { action, filter, spared, record: &errand.record };
        let step = patiently(&self.0, &work, BATCH, Some((errand, reached))).await?;
        Ok((reached.after(step.bulk.done).at(step.rest), step.bulk))
    }

    /// Whether somebody wants the job to be stopped.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_cancelled(&self, job: JobId) -> Result<bool> {
        let db = self.0.db();
        let asked = sqlx::query_scalar!(
            r#"
            SELECT EXISTS (SELECT FROM mindflight.cancel_request WHERE job = $1) AS "is_asked!"
            "#,
            job.uuid(),
        );
        db.bounded(async { asked.fetch_one(&db.pool).await.map_err(Error::of) }).await
    }
}

impl Errand {
    /// Only what was there when it was asked for: jobs have ids in the order in which they are made.
    fn bounded(&self) -> Filter {
        let mut filter = of_action(self.action, &self.filter);
        filter.after = filter.after.into_iter().chain([self.lease.job]).min();
        filter
    }

    /// Lets nobody else take the job until the transaction has ended.
    pub(super) async fn hold(&self, db: &mut PgConnection) -> Result<()> {
        let held = sqlx::query_scalar!(
            r#"
            SELECT id
            FROM mindflight.lease
            WHERE id = $1
                AND worker = $2
                AND attempt = $3
            FOR UPDATE
            "#,
            self.lease.job.uuid(),
            self.lease.worker,
            i16::try_from(self.lease.attempt).unwrap_or(i16::MAX),
        )
        .fetch_optional(db)
        .await
        .map_err(Error::of)?;
        let lost = || Error::conflict(format!("another worker has the job {}", self.lease.job));
        held.map(drop).ok_or_else(lost)
    }

    /// Writes down how far it is; at its end also who did what.
    pub(super) async fn write(
        &self,
        db: &mut PgConnection,
        reached: &Reached,
        work: &Work<'_>,
    ) -> Result<()> {
        sqlx::query!(
            r#"
            INSERT INTO mindflight.progress (job, progress)
            VALUES ($1, $2)
            ON CONFLICT (job) DO UPDATE
            SET progress = excluded.progress, updated_at = clock_timestamp()
            "#,
            self.lease.job.uuid(),
            reached.shown(work.action),
        )
        .execute(&mut *db)
        .await
        .map_err(Error::of)?;
        if reached.is_over {
            audit::write(db, &reached.record(work.record, "ok")).await?;
        }
        Ok(())
    }

    /// The same in a transaction of its own.
    pub(super) async fn note(&self, db: &Db, reached: &Reached, work: &Work<'_>) -> Result<()> {
        let mut tx = begin(db).await?;
        self.hold(&mut tx).await?;
        self.write(&mut tx, reached, work).await?;
        commit(tx).await
    }
}

impl Reached {
    pub(super) fn after(&self, more: BulkDone) -> Self {
        Self { done: self.done + more.done, refused: self.refused + more.refused, ..self.clone() }
    }

    /// What comes next is older than `cursor`; without one, nothing does.
    pub(super) fn at(self, cursor: Option<JobId>) -> Self {
        Self { is_over: cursor.is_none(), cursor: cursor.or(self.cursor), ..self }
    }

    /// The row of the audit log for all of it.
    #[must_use]
    pub fn record(&self, record: &Record, outcome: &str) -> Record {
        let mut detail = record.detail.clone();
        if let Value::Object(members) = &mut detail {
            members.insert("done".to_owned(), json!(self.done));
            members.insert("refused".to_owned(), json!(self.refused));
        }
        Record { action: "job.bulk", outcome: outcome.to_owned(), detail, ..record.clone() }
    }

    /// As progress, in which it is found again.
    fn shown(&self, action: JobAction) -> Value {
        let left = match self.refused {
            0 => String::new(),
            refused => format!(", {refused} left as they are"),
        };
        let message = format!("{} {}{left}", self.done, done(action));
        json!({
            "done": self.done + self.refused,
            "total": self.total.map(|total| total.max(self.done + self.refused)),
            "message": message,
            "bulk": self,
        })
    }
}

const fn done(action: JobAction) -> &'static str {
    match action {
        JobAction::Cancel => "cancelled",
        JobAction::Retry => "retried",
        JobAction::Delete => "deleted",
        JobAction::Snooze => "put off",
    }
}

async fn stored(db: &mut PgConnection, job: JobId) -> Result<Option<Reached>> {
    let stored = sqlx::query_scalar!(
        r#"
        SELECT progress -> 'bulk' AS "reached?: Value"
        FROM mindflight.progress
        WHERE job = $1
        "#,
        job.uuid(),
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(stored.flatten().and_then(|reached| serde_json::from_value(reached).ok()))
}

/// How many jobs fit, if they are few enough to be counted.
async fn total(db: &mut PgConnection, errand: &Errand) -> Result<Option<u64>> {
    let found = find::next(db, &errand.bounded(), MOST_COUNTED).await?;
    let is_all = found.rest.is_none();
    Ok(is_all.then(|| u64::try_from(found.ids.len()).unwrap_or(u64::MAX)))
}

impl JobViews {
    /// Actions on any number of jobs.
    #[must_use]
    pub fn errands(&self) -> bulk::Errands {
        Errands(self.clone())
    }
}
