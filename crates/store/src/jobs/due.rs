//! Jobs that leave `scheduled` before their time, or have none: each goes where it waits for its gate or a worker.

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// Where a job waits now.
pub(crate) struct Placed {
    /// The number of its queue.
    pub(crate) queue: i16,
    /// The number of the gate at which it waits.
    pub(crate) gate: Option<i32>,
}

/// Places those of these jobs that have waited for others, or those that have waited for a time.
pub(crate) async fn place(
    db: &mut PgConnection,
    ids: &[Uuid],
    for_others: bool,
) -> Result<Vec<Placed>> {
    sqlx::query_as!(
        Placed,
        r#"
        WITH due AS (
            DELETE FROM mindflight.scheduled
            WHERE id = ANY ($1)
                AND (why = 3) = $2
            RETURNING *
        ),
        limited AS (
            INSERT INTO mindflight.blocked
                (gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
            SELECT gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited
            FROM due
            WHERE gate IS NOT NULL
        ),
        now AS (
            INSERT INTO mindflight.ready
                (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
            SELECT queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited
            FROM due
            WHERE gate IS NULL
        )
        SELECT queue AS "queue!", gate
        FROM due
        "#,
        ids,
        for_others,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}
