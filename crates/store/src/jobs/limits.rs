//! Limits of queues: how many of their jobs run at once, and how many start in a stretch of time, over all instances.
//!
//! They are kept where jobs are taken: whoever takes some from a queue with a limit holds the queue's row meanwhile.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_core::policy::Rate;
use sqlx::{Connection as _, PgConnection};

use super::claimer::{Claim, Claimed, Claimer, take};
use crate::{Error, Result};

/// What was taken from a queue with limits.
#[derive(Debug, Clone, Default)]
pub struct Limited {
    /// The jobs.
    pub jobs: Vec<Claimed>,
    /// Why no more of them, if it was a limit.
    pub hold: Option<Hold>,
}

/// What keeps more jobs of a queue from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// As many as may run at once do.
    Slots,
    /// As many as may start have started; the next may after this long.
    Rate(Duration),
}

impl Claimer {
    /// As [`claim`](Self::claim), from a queue that has limits: no more than they allow.
    ///
    /// # Errors
    /// As [`claim`](Self::claim).
    pub async fn claim_limited(&mut self, claim: &Claim<'_>) -> Result<Limited> {
        self.0
            .run(async |db| {
                let mut tx = db.begin().await.map_err(Error::of)?;
                let limited = take_limited(&mut tx, claim).await?;
                tx.commit().await.map_err(Error::of)?;
                Ok(limited)
            })
            .await
    }
}

/// The limits of a queue, and what is left of them.
struct Left {
    /// Jobs that may begin to run beside those that do.
    slots: Option<i64>,
    rate: Option<(Rate, f64)>,
    now: DateTime<Utc>,
}

impl Left {
    /// How many may be taken, if there is a limit.
    fn most(&self) -> i64 {
        let tokens = self.rate.map(|(rate, tokens)| i64::from(rate.whole(tokens)));
        self.slots.into_iter().chain(tokens).min().unwrap_or(i64::MAX)
    }

    /// What keeps more from being taken after so many were.
    fn hold(&self, taken: i64) -> Hold {
        match self.rate {
            Some((rate, tokens)) if self.slots.is_none_or(|slots| slots > taken) => {
                Hold::Rate(rate.wait(left_over(tokens, taken)))
            }
            _ => Hold::Slots,
        }
    }
}

fn left_over(tokens: f64, taken: i64) -> f64 {
    (tokens - taken as f64).max(0.0)
}

async fn take_limited(db: &mut PgConnection, claim: &Claim<'_>) -> Result<Limited> {
    let left = left(db, claim.queue).await?;
    let most = left.most().max(0);
    if most == 0 {
        return Ok(Limited { jobs: Vec::new(), hold: Some(left.hold(0)) });
    }
    let limit = claim.limit.min(most);
    let jobs = take(db, &Claim { limit, ..claim.clone() }).await?;
    let taken = i64::try_from(jobs.len()).unwrap_or(i64::MAX);
    if let Some((_, tokens)) = left.rate.filter(|_| taken > 0) {
        spend(db, claim.queue, left_over(tokens, taken), left.now).await?;
    }
    let is_held = taken == most && most < claim.limit;
    Ok(Limited { jobs, hold: is_held.then(|| left.hold(taken)) })
}

/// Locks the queue, and finds out what is left of its limits.
async fn left(db: &mut PgConnection, queue: i16) -> Result<Left> {
    let row = sqlx::query!(
        r#"
        SELECT slots, rate, extract(epoch FROM rate_period)::double precision AS period, tokens,
            greatest(extract(epoch FROM clock_timestamp() - tokens_at), 0)::double precision AS "elapsed!",
            clock_timestamp() AS "now!"
        FROM mindflight.queue
        WHERE id = $1
        FOR UPDATE
        "#,
        queue,
    )
    .fetch_one(&mut *db)
    .await
    .map_err(Error::of)?;
    let slots = match row.slots {
        Some(slots) => Some(i64::from(slots) - running(db, queue).await?),
        None => None,
    };
    let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    let rate = row.rate.zip(row.period).map(|(count, period)| {
        let rate = Rate::new(count.unsigned_abs(), seconds(period));
        (rate, rate.refill(row.tokens, seconds(row.elapsed)))
    });
    Ok(Left { slots, rate, now: row.now })
}

/// A statement of its own: it sees what whoever held the queue before has taken. Queues with limits are few, and no
/// index for them alone keeps all others waiting.
async fn running(db: &mut PgConnection, queue: i16) -> Result<i64> {
    sqlx::query_scalar!(
        r#"
        SELECT count(*) AS "running!"
        FROM mindflight.lease
        WHERE queue = $1
        "#,
        queue,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

async fn spend(db: &mut PgConnection, queue: i16, tokens: f64, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!(
        r#"
        UPDATE mindflight.queue
        SET tokens = $2, tokens_at = $3
        WHERE id = $1
        "#,
        queue,
        tokens,
        at,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Ends pauses that are over; gives their queues.
pub(super) async fn resume(db: &mut PgConnection) -> Result<Vec<i16>> {
    sqlx::query_scalar!(
        r#"
        UPDATE mindflight.queue
        SET paused_at = NULL, paused_by = NULL, pause_reason = NULL, paused_until = NULL
        WHERE id = ANY (ARRAY(
            SELECT id
            FROM mindflight.queue
            WHERE paused_until <= clock_timestamp()
            ORDER BY id
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING id
        "#,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(slots: Option<i64>, rate: Option<(&str, f64)>) -> Left {
        let rate = rate.map(|(rate, tokens)| (rate.parse().unwrap(), tokens));
        Left { slots, rate, now: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn the_narrower_limit_decides() {
        assert_eq!(left(None, None).most(), i64::MAX);
        assert_eq!(left(Some(3), None).most(), 3);
        assert_eq!(left(Some(3), Some(("10/1h", 2.5))).most(), 2);
        assert_eq!(left(Some(-1), Some(("10/1h", 2.5))).most(), -1);
        assert_eq!(left(None, Some(("10/1h", 0.5))).most(), 0);
    }

    #[test]
    fn who_is_held_learns_what_to_wait_for() {
        let ten = Some(("10/100s", 2.5));
        assert_eq!(left(Some(2), ten).hold(2), Hold::Slots);
        assert_eq!(left(Some(0), None).hold(0), Hold::Slots);
        assert_eq!(left(Some(3), ten).hold(2), Hold::Rate(Duration::from_secs(5)));
        assert_eq!(left(None, ten).hold(2), Hold::Rate(Duration::from_secs(5)));
    }
}
