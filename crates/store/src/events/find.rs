//! Finds one event: by its position, or by its id.

use mindflight_api::event::Envelope;
use sqlx::PgConnection;

use super::read::{self, Body, Names};
use super::tick::position;
use super::{Events, Logged};
use crate::{Error, Result, text};

/// Enough for any one row.
const BYTES: u32 = 1;

impl Events {
    /// The event at a position.
    ///
    /// # Errors
    /// When the database does not answer; also in the other.
    pub async fn at(&self, position: u64) -> Result<Option<Envelope>> {
        let Some(after) = position.checked_sub(1) else { return Ok(None) };
        let work = async {
            let mut db = self.db.connection().await?;
            read::read(&mut db, &Names::default(), after, (1, BYTES)).await
        };
        let row = self.db.bounded(work).await?.into_iter().next();
        Ok(row.and_then(|row| envelope(row, position)))
    }

    /// The last position of the row with this number, if it has one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn position_of(&self, seq: i64) -> Result<Option<u64>> {
        let work = async { position_of(&mut *self.db.connection().await?, seq).await };
        self.db.bounded(work).await
    }

    /// The newest event with this id that has a position. Ends of jobs have none: look for their job.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub async fn of_id(&self, id: &str) -> Result<Option<Envelope>> {
        text::check("id", id)?;
        let work = async {
            let mut db = self.db.connection().await?;
            let Some(seq) = newest(&mut db, id).await? else { return Ok(None) };
            position_of(&mut db, seq).await
        };
        match self.db.bounded(work).await? {
            Some(position) => self.at(position).await,
            None => Ok(None),
        }
    }
}

fn envelope(row: Logged, position: u64) -> Option<Envelope> {
    match row.body {
        Body::One(envelope) => Some(*envelope).filter(|found| found.sequence == position),
        Body::Ended(ended) => {
            let at = usize::try_from(position.checked_sub(row.first)?).ok()?;
            ended.envelope(at, position)
        }
    }
}

async fn newest(db: &mut PgConnection, id: &str) -> Result<Option<i64>> {
    sqlx::query_scalar!(
        r#"
        SELECT seq
        FROM mindflight.event
        WHERE id = $1
        ORDER BY seq DESC
        LIMIT 1
        "#,
        id,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)
}

/// The last position of the row with this number.
pub(super) async fn position_of(db: &mut PgConnection, seq: i64) -> Result<Option<u64>> {
    // Ticks begin with their lowest number, and mostly each begins where the one before ended.
    let found = sqlx::query_scalar!(
        r#"
        WITH given AS MATERIALIZED (
            -- Whoever looks for what has none yet would look through all ticks.
            SELECT event.seq
            FROM mindflight.event
            CROSS JOIN (SELECT snap FROM mindflight.tick ORDER BY base DESC LIMIT 1) AS newest
            WHERE event.seq = $1
                AND pg_visible_in_snapshot(event.xid, newest.snap)
        )
        SELECT tick.base + place.last AS "position!"
        FROM given
        CROSS JOIN LATERAL (
            SELECT base, seqs, counts
            FROM mindflight.tick
            WHERE seqs[1] <= given.seq
                AND given.seq = ANY (seqs)
            ORDER BY seqs[1] DESC
            LIMIT 1
        ) AS tick
        CROSS JOIN LATERAL (
            SELECT sum(coalesce(count, 1))::bigint AS last
            FROM unnest(tick.seqs, tick.counts) AS one (seq, count)
            WHERE one.seq <= given.seq
        ) AS place
        "#,
        seq,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(found.map(position))
}
