//! Partitions of what jobs were and how they ended: made ahead, and dropped whole when they are old.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ids::first_id;
use super::keeper::Keeper;
use crate::partitioning::{begin_with_patience, execute};
use crate::{Error, Result};

/// The partitioned tables, each by the job's id. Bodies come first: what else there is follows them.
const PARENTS: [&str; 4] = ["job", "outcome", "attempt", "log_line"];

/// How many days partitions are made ahead.
const AHEAD: u64 = 3;

/// Rows of jobs outside all partitions that are removed at a time.
const SWEEP: i64 = 5000;

/// What keeping house came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days whose partitions were made.
    pub made: Vec<NaiveDate>,
    /// Days whose partitions were dropped.
    pub dropped: Vec<NaiveDate>,
}

/// The first id of a day.
fn first_of(day: NaiveDate) -> Uuid {
    first_id(day.and_time(chrono::NaiveTime::MIN).and_utc())
}

fn suffix(day: NaiveDate) -> String {
    format!("p{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// The day of a partition's name.
fn day(parent: &str, name: &str) -> Option<NaiveDate> {
    let suffix = name.strip_prefix(parent)?.strip_prefix("_p")?;
    NaiveDate::parse_from_str(suffix, "%Y%m%d").ok()
}

impl Keeper {
    /// The database's clock: one that every instance shares, unlike its own.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn now(&mut self) -> Result<DateTime<Utc>> {
        self.0.run(async |db| now(db).await).await
    }

    /// Makes the partitions of the next days, and drops those whose jobs were all made before `keep_since`.
    /// What belongs to jobs that have not ended is carried over.
    ///
    /// # Errors
    /// When the database does not answer, or something holds a lock on the tables for too long.
    pub async fn partitions(
        &mut self,
        now: DateTime<Utc>,
        keep_since: DateTime<Utc>,
    ) -> Result<Retention> {
        let mut done = Retention::default();
        // Each table by itself: who locks one after the other would wait for somebody who does so the other way.
        for parent in PARENTS {
            let there = self.0.run(async |db| partitions_there(db, parent).await).await?;
            for day in days_ahead(now).filter(|day| !there.contains(day)) {
                if self.0.run(async |db| make(db, parent, day).await).await? {
                    done.made.push(day);
                }
            }
            let is_old = |day: &NaiveDate| {
                day.checked_add_days(Days::new(1)).is_some_and(|end| end <= keep_since.date_naive())
            };
            for day in there.into_iter().filter(is_old) {
                self.0.run(async |db| drop_day(db, parent, day).await).await?;
                done.dropped.push(day);
            }
        }
        for days in [&mut done.made, &mut done.dropped] {
            days.sort_unstable();
            days.dedup();
        }
        self.0.run(async |db| sweep(db, keep_since).await).await?;
        Ok(done)
    }
}

/// Makes the partitions of the next days before there are jobs: those made without them stay outside of all, and
/// partitions that are made beside them have to look through them.
pub(crate) async fn make_first(db: &mut PgConnection) -> Result<()> {
    let now = now(db).await?;
    for parent in PARENTS {
        let there = partitions_there(db, parent).await?;
        for day in days_ahead(now).filter(|day| !there.contains(day)) {
            make(db, parent, day).await?;
        }
    }
    Ok(())
}

async fn now(db: &mut PgConnection) -> Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"SELECT clock_timestamp() AS "now!""#)
        .fetch_one(db)
        .await
        .map_err(Error::of)
}

/// Today and the days for which partitions are made ahead.
fn days_ahead(now: DateTime<Utc>) -> impl Iterator<Item = NaiveDate> {
    (0..=AHEAD).filter_map(move |ahead| now.date_naive().checked_add_days(Days::new(ahead)))
}

async fn partitions_there(db: &mut PgConnection, parent: &str) -> Result<Vec<NaiveDate>> {
    let names = sqlx::query_scalar!(
        r#"
        SELECT child.relname::text AS "name!"
        FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = to_regclass('mindflight.' || $1)
        "#,
        parent,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(names.iter().filter_map(|name| day(parent, name)).collect())
}

/// The column of a job's id.
fn id(parent: &str) -> &'static str {
    match parent {
        "job" => "id",
        _ => "job",
    }
}

/// A day of which rows are in the rest already has no partition: it would have to take them from there.
async fn make(db: &mut PgConnection, parent: &str, day: NaiveDate) -> Result<bool> {
    let Some(next) = day.checked_add_days(Days::new(1)) else { return Ok(false) };
    let (from, to) = (first_of(day), first_of(next));
    if has_rest(db, parent, (from, to)).await? {
        return Ok(false);
    }
    let mut tx = begin_with_patience(db).await?;
    let statement = format!(
        "CREATE TABLE IF NOT EXISTS mindflight.{parent}_{} PARTITION OF mindflight.{parent} FOR VALUES FROM ('{from}') TO ('{to}')",
        suffix(day)
    );
    execute(&mut tx, statement).await?;
    tx.commit().await.map_err(Error::of)?;
    Ok(true)
}

async fn has_rest(db: &mut PgConnection, parent: &str, (from, to): (Uuid, Uuid)) -> Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT CASE $1::text
            WHEN 'job' THEN EXISTS (SELECT FROM mindflight.job_rest WHERE id >= $2 AND id < $3)
            WHEN 'outcome' THEN EXISTS (SELECT FROM mindflight.outcome_rest WHERE job >= $2 AND job < $3)
            WHEN 'attempt' THEN EXISTS (SELECT FROM mindflight.attempt_rest WHERE job >= $2 AND job < $3)
            ELSE EXISTS (SELECT FROM mindflight.log_line_rest WHERE job >= $2 AND job < $3)
        END AS "has!"
        "#,
        parent,
        from,
        to,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn drop_day(db: &mut PgConnection, parent: &str, day: NaiveDate) -> Result<()> {
    let Some(next) = day.checked_add_days(Days::new(1)) else { return Ok(()) };
    let (from, to) = (first_of(day), first_of(next));
    let mut tx = begin_with_patience(db).await?;
    let old = format!("mindflight.{parent}_{}", suffix(day));
    execute(&mut tx, format!("ALTER TABLE mindflight.{parent} DETACH PARTITION {old}")).await?;
    // Jobs that have not ended go to the rest, and what belongs to them follows, also if they have ended since.
    let kept = match parent {
        "job" => {
            "EXISTS (SELECT FROM mindflight.ready WHERE ready.id = old.id AND ready.queue = old.queue) \
             OR EXISTS (SELECT FROM mindflight.scheduled WHERE scheduled.id = old.id) \
             OR EXISTS (SELECT FROM mindflight.blocked WHERE blocked.id = old.id) \
             OR EXISTS (SELECT FROM mindflight.lease WHERE lease.id = old.id)"
        }
        _ => "EXISTS (SELECT FROM mindflight.job_rest WHERE job_rest.id = old.job)",
    };
    // Lines keep their numbers.
    let overriding = if parent == "log_line" { "OVERRIDING SYSTEM VALUE" } else { "" };
    let statement = format!(
        "INSERT INTO mindflight.{parent} {overriding} SELECT old.* FROM {old} AS old WHERE {kept} ORDER BY old.{}",
        id(parent)
    );
    execute(&mut tx, statement).await?;
    execute(&mut tx, format!("DROP TABLE {old}")).await?;
    if parent == "job" {
        forget_progress(&mut tx, (from, to)).await?;
        forget_parents(&mut tx, (from, to)).await?;
    }
    tx.commit().await.map_err(Error::of)
}

async fn forget_progress(db: &mut PgConnection, (from, to): (Uuid, Uuid)) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM mindflight.progress
        WHERE job >= $1
            AND job < $2
            AND NOT EXISTS (SELECT FROM mindflight.lease WHERE lease.id = progress.job)
        "#,
        from,
        to,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// What jobs waited for that are gone.
async fn forget_parents(db: &mut PgConnection, (from, to): (Uuid, Uuid)) -> Result<()> {
    sqlx::query!(
        r#"
        DELETE FROM mindflight.dependency
        WHERE job >= $1
            AND job < $2
            AND NOT EXISTS (SELECT FROM mindflight.job_rest WHERE job_rest.id = dependency.job)
        "#,
        from,
        to,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Ended jobs outside all partitions, some at a time.
async fn sweep(db: &mut PgConnection, keep_since: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        r#"
        WITH old AS (
            DELETE FROM mindflight.outcome_rest
            WHERE job = ANY (ARRAY(
                SELECT job
                FROM mindflight.outcome_rest
                WHERE job < $1
                    AND finished_at < $2
                ORDER BY job
                LIMIT $3
            ))
            RETURNING job
        ),
        bodies AS (DELETE FROM mindflight.job_rest WHERE id IN (SELECT job FROM old)),
        attempts AS (DELETE FROM mindflight.attempt_rest WHERE job IN (SELECT job FROM old)),
        lines AS (DELETE FROM mindflight.log_line_rest WHERE job IN (SELECT job FROM old)),
        parents AS (DELETE FROM mindflight.dependency WHERE job IN (SELECT job FROM old))
        DELETE FROM mindflight.progress
        WHERE job IN (SELECT job FROM old)
        "#,
        first_of(keep_since.date_naive()),
        keep_since,
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_ids_begin_with_its_first_millisecond() {
        let day_one = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let first = first_of(day_one).to_string();
        assert_eq!(first, "01a1fb67-1800-0000-0000-000000000000");
        assert_eq!(day("job", &format!("job_{}", suffix(day_one))), Some(day_one));
        assert_eq!(day("job", "job_rest"), None);
    }
}
