//! Partitions of what jobs were and how they ended: made ahead, and dropped whole when they are old.

use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::keeper::Keeper;
use crate::{Error, Result};

/// The partitioned tables, each by the job's id.
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

/// The lowest id that a job made on this day can have: UUID version 7 begins with the milliseconds (RFC 9562 §5.7).
fn first_id(day: NaiveDate) -> Uuid {
    let start = day.and_time(chrono::NaiveTime::MIN).and_utc();
    Uuid::from_u128((start.timestamp_millis().max(0) as u128) << 80)
}

fn suffix(day: NaiveDate) -> String {
    format!("p{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// The day of a partition's name.
fn day(name: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(name.strip_prefix("job_p")?, "%Y%m%d").ok()
}

impl Keeper {
    /// Makes the partitions of the next days, and drops those whose jobs were all made before `keep_since`.
    /// Jobs of theirs that have not ended are carried over.
    ///
    /// # Errors
    /// When the database does not answer, or something holds a lock on the tables for too long.
    pub async fn partitions(
        &mut self,
        now: DateTime<Utc>,
        keep_since: DateTime<Utc>,
    ) -> Result<Retention> {
        let mut done = Retention::default();
        let there = self.0.run(async |db| partitions_there(db).await).await?;
        for ahead in 0..=AHEAD {
            let Some(day) = now.date_naive().checked_add_days(Days::new(ahead)) else { continue };
            if !there.contains(&day) && self.0.run(async |db| make(db, day).await).await? {
                done.made.push(day);
            }
        }
        let old = there.into_iter().filter(|day| {
            day.checked_add_days(Days::new(1)).is_some_and(|end| end <= keep_since.date_naive())
        });
        for day in old {
            self.0.run(async |db| drop_day(db, day).await).await?;
            done.dropped.push(day);
        }
        self.0.run(async |db| sweep(db, keep_since).await).await?;
        Ok(done)
    }
}

async fn partitions_there(db: &mut PgConnection) -> Result<Vec<NaiveDate>> {
    let names = sqlx::query_scalar!(
        r#"
        SELECT child.relname::text AS "name!"
        FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'mindflight.job'::regclass
        "#,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(names.iter().filter_map(|name| day(name)).collect())
}

/// Days of which rows are in the rest already have no partition: it would have to take them from there.
async fn make(db: &mut PgConnection, day: NaiveDate) -> Result<bool> {
    let Some(next) = day.checked_add_days(Days::new(1)) else { return Ok(false) };
    let (from, to) = (first_id(day), first_id(next));
    if has_rest(db, from, to).await? {
        return Ok(false);
    }
    let mut tx = begin_with_patience(db).await?;
    for parent in PARENTS {
        let statement = format!(
            "CREATE TABLE IF NOT EXISTS mindflight.{parent}_{} PARTITION OF mindflight.{parent} FOR VALUES FROM ('{from}') TO ('{to}')",
            suffix(day)
        );
        execute(&mut tx, statement).await?;
    }
    tx.commit().await.map_err(Error::of)?;
    Ok(true)
}

async fn has_rest(db: &mut PgConnection, from: Uuid, to: Uuid) -> Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (SELECT FROM mindflight.job_rest WHERE id >= $1 AND id < $2)
            OR EXISTS (SELECT FROM mindflight.outcome_rest WHERE job >= $1 AND job < $2)
            OR EXISTS (SELECT FROM mindflight.attempt_rest WHERE job >= $1 AND job < $2)
            OR EXISTS (SELECT FROM mindflight.log_line_rest WHERE job >= $1 AND job < $2) AS "has!"
        "#,
        from,
        to,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn drop_day(db: &mut PgConnection, day: NaiveDate) -> Result<()> {
    let Some(next) = day.checked_add_days(Days::new(1)) else { return Ok(()) };
    let (from, to) = (first_id(day), first_id(next));
    let mut tx = begin_with_patience(db).await?;
    let name = |parent: &str| format!("mindflight.{parent}_{}", suffix(day));
    for parent in PARENTS {
        let statement =
            format!("ALTER TABLE mindflight.{parent} DETACH PARTITION {}", name(parent));
        execute(&mut tx, statement).await?;
    }
    // What has not ended goes to the rest.
    let unfinished = "EXISTS (SELECT FROM mindflight.ready WHERE ready.id = old.id AND ready.queue = old.queue) \
         OR EXISTS (SELECT FROM mindflight.scheduled WHERE scheduled.id = old.id) \
         OR EXISTS (SELECT FROM mindflight.blocked WHERE blocked.id = old.id) \
         OR EXISTS (SELECT FROM mindflight.lease WHERE lease.id = old.id)";
    let job = name("job");
    execute(
        &mut tx,
        format!("INSERT INTO mindflight.job SELECT old.* FROM {job} AS old WHERE {unfinished}"),
    )
    .await?;
    let attempt = name("attempt");
    execute(
        &mut tx,
        format!(
            "INSERT INTO mindflight.attempt SELECT had.* FROM {attempt} AS had \
             WHERE EXISTS (SELECT FROM {job} AS old WHERE old.id = had.job AND ({unfinished}))"
        ),
    )
    .await?;
    for parent in PARENTS {
        execute(&mut tx, format!("DROP TABLE {}", name(parent))).await?;
    }
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
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    tx.commit().await.map_err(Error::of)
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
        lines AS (DELETE FROM mindflight.log_line_rest WHERE job IN (SELECT job FROM old))
        DELETE FROM mindflight.progress
        WHERE job IN (SELECT job FROM old)
        "#,
        first_id(keep_since.date_naive()),
        keep_since,
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// A transaction that gives up on a lock: everybody else would wait behind it.
async fn begin_with_patience(
    db: &mut PgConnection,
) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    let mut tx = db.begin().await.map_err(Error::of)?;
    execute(&mut tx, "SET LOCAL lock_timeout = '2s'".to_owned()).await?;
    Ok(tx)
}

/// A statement that is put together from names and numbers of this file.
async fn execute(db: &mut PgConnection, statement: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await.map_err(Error::of)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_ids_begin_with_its_first_millisecond() {
        let day_one = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        let first = first_id(day_one).to_string();
        assert_eq!(first, "019fa1e3-7c00-0000-0000-000000000000");
        assert_eq!(day(&format!("job_{}", suffix(day_one))), Some(day_one));
        assert_eq!(day("job_rest"), None);
    }
}
