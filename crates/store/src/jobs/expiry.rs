//! Ended jobs of queues that keep them for a shorter time than others: deleted by and by, while the partitions they
//! are in stay.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::ids::first_id;
use super::keeper::Keeper;
use crate::{Error, Result};

/// Ends that are looked at in one go; those that are too old among them are deleted in one transaction.
const BATCH: i64 = 2000;

/// How long after a look from the beginning the next one is due: for jobs that ended long after they were made.
const WHOLE_LOOK: TimeDelta = TimeDelta::days(1);

/// How long the queues keep jobs that have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// The longest of all: what is older goes with its partition.
    pub longest: Duration,
    /// The shorter ones, each with its queues.
    pub shorter: Vec<(Duration, Vec<i16>)>,
}

/// How far ended jobs were looked through. What a process knows of it may be lost: then it looks again.
#[derive(Debug, Default)]
pub struct Marks(Vec<Mark>);

#[derive(Debug)]
struct Mark {
    kept: Duration,
    queues: Vec<i16>,
    /// Everything up to here was looked at.
    seen: Uuid,
    /// When the look began that came this far.
    since: DateTime<Utc>,
}

/// What one step came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Jobs that were deleted.
    pub deleted: u64,
    /// Whether there may be more.
    pub more: bool,
}

impl Kept {
    /// Since when jobs are kept that are kept longest; nothing if always.
    #[must_use]
    pub fn since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        before(now, self.longest)
    }
}

impl Marks {
    /// Forgets what is no retention of these any more, and begins anew where the queues are others, or where the last
    /// look from the beginning was long ago.
    fn follow(&mut self, kept: &Kept, now: DateTime<Utc>) {
        let marks = kept.shorter.iter().map(|(time, queues)| {
            let known = self.0.iter().position(|mark| {
                mark.kept == *time && mark.queues == *queues && now - mark.since < WHOLE_LOOK
            });
            known.map(|place| self.0.swap_remove(place)).unwrap_or_else(|| Mark {
                kept: *time,
                queues: queues.clone(),
                seen: Uuid::nil(),
                since: now,
            })
        });
        let marks: Vec<Mark> = marks.collect();
        self.0 = marks;
    }
}

impl Keeper {
    /// How long the queues keep jobs that have ended; `otherwise` where nothing is said.
    ///
    /// # Errors
    /// When the database does not answer; also in [`expire`](Self::expire).
    pub async fn kept(&mut self, otherwise: Duration) -> Result<Kept> {
        let rows = self.0.run(async |db| retentions(db).await).await?;
        let mut kept = Kept { longest: otherwise, shorter: Vec::new() };
        let mut queues: Vec<(Duration, i16)> = Vec::new();
        for (queue, seconds) in rows {
            let own = seconds.map(Duration::try_from_secs_f64);
            let own = own.transpose().ok().flatten().unwrap_or(otherwise);
            kept.longest = kept.longest.max(own);
            queues.push((own, queue));
        }
        queues.retain(|(own, _)| *own < kept.longest);
        queues.sort_unstable();
        for group in queues.chunk_by(|one, next| one.0 == next.0) {
            let numbers = group.iter().map(|(_, queue)| *queue).collect();
            kept.shorter.extend(group.first().map(|(own, _)| (*own, numbers)));
        }
        Ok(kept)
    }

    /// Looks at some ended jobs, the oldest that were not looked at yet, and deletes those that their queues do not
    /// keep any more. Jobs that have not ended stay.
    ///
    /// # Errors
    /// As [`kept`](Self::kept): then the same jobs are looked at again.
    pub async fn expire(
        &mut self,
        now: DateTime<Utc>,
        kept: &Kept,
        marks: &mut Marks,
    ) -> Result<Expired> {
        marks.follow(kept, now);
        for mark in &mut marks.0 {
            let Some(keep_since) = before(now, mark.kept) else { continue };
            let (seen, queues) = (mark.seen, &mark.queues);
            let step = self.0.run(async |db| step(db, (seen, keep_since), queues).await).await?;
            let Some((last, deleted)) = step else { continue };
            mark.seen = last;
            return Ok(Expired { deleted, more: true });
        }
        Ok(Expired::default())
    }
}

/// This long before `now`; nothing if that is before all time.
fn before(now: DateTime<Utc>, time: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::from_std(time).ok()?)
}

async fn retentions(db: &mut PgConnection) -> Result<Vec<(i16, Option<f64>)>> {
    let rows = sqlx::query!(
        r#"
        SELECT id, extract(epoch FROM retention)::double precision AS seconds
        FROM mindflight.queue
        "#,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(rows.into_iter().map(|row| (row.id, row.seconds)).collect())
}

/// Looks at the next ended jobs behind `seen`; the last of them, and how many were deleted. Nothing: there are none.
async fn step(
    db: &mut PgConnection,
    (seen, keep_since): (Uuid, DateTime<Utc>),
    queues: &[i16],
) -> Result<Option<(Uuid, u64)>> {
    let rows = sqlx::query!(
        r#"
        SELECT job, queue = ANY ($4) AND finished_at < $3 AS "is_old!"
        FROM mindflight.outcome
        WHERE job > $1
            AND job < $2
        ORDER BY job
        LIMIT $5
        "#,
        seen,
        first_id(keep_since),
        keep_since,
        queues,
        BATCH,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    let Some(last) = rows.last().map(|row| row.job) else { return Ok(None) };
    let old: Vec<Uuid> = rows.iter().filter(|row| row.is_old).map(|row| row.job).collect();
    let deleted = if old.is_empty() { 0 } else { delete(db, &old).await? };
    Ok(Some((last, deleted)))
}

/// All that there is of these jobs; one that somebody runs again just now stays.
async fn delete(db: &mut PgConnection, jobs: &[Uuid]) -> Result<u64> {
    let (first, last) = (jobs.first().copied(), jobs.last().copied());
    let gone = sqlx::query_scalar!(
        r#"
        WITH ended AS (
            DELETE FROM mindflight.outcome
            WHERE job = ANY ($1)
                AND job >= $2
                AND job <= $3
            RETURNING job
        ),
        bodies AS (
            DELETE FROM mindflight.job
            WHERE id = ANY (ARRAY(SELECT job FROM ended))
                AND id >= $2
                AND id <= $3
        ),
        attempts AS (
            DELETE FROM mindflight.attempt
            WHERE job = ANY (ARRAY(SELECT job FROM ended))
                AND job >= $2
                AND job <= $3
        ),
        lines AS (
            DELETE FROM mindflight.log_line
            WHERE job = ANY (ARRAY(SELECT job FROM ended))
                AND job >= $2
                AND job <= $3
        ),
        parents AS (
            DELETE FROM mindflight.dependency
            WHERE job = ANY (ARRAY(SELECT job FROM ended))
        ),
        progress AS (
            DELETE FROM mindflight.progress
            WHERE job = ANY (ARRAY(SELECT job FROM ended))
        )
        SELECT count(*) AS "count!"
        FROM ended
        "#,
        jobs,
        first,
        last,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(gone.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_goes_on_where_it_was_unless_the_queues_are_others() {
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let day = Duration::from_secs(86_400);
        let kept =
            |queues: &[i16]| Kept { longest: day * 14, shorter: vec![(day, queues.to_vec())] };
        let mut marks = Marks::default();
        let mut seen = |queues: &[i16], hours| {
            marks.follow(&kept(queues), now + TimeDelta::hours(hours));
            let before = marks.0[0].seen;
            marks.0[0].seen = Uuid::max();
            before
        };
        assert_eq!(seen(&[1], 0), Uuid::nil());
        assert_eq!(seen(&[1], 23), Uuid::max());
        assert_eq!(seen(&[1], 24), Uuid::nil());
        assert_eq!(seen(&[1, 2], 25), Uuid::nil());
        marks.follow(&Kept::default(), now);
        assert!(marks.0.is_empty());
    }
}
