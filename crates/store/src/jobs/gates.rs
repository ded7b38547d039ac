//! Gates: how many jobs may run at once, over all instances.
//!
//! A slot is used by a row in `ready` or `lease` that names the gate. Slots are counted under the gate's lock
//! and never stored, so that no crash can leave one taken.

use sqlx::PgConnection;

use crate::{Error, Result};

/// Moves jobs that wait for these gates into `ready` while there are free slots; gives the queues that got some.
/// Call it after everything else in the transaction that freed slots or blocked jobs.
pub(crate) async fn admit(db: &mut PgConnection, gates: &[i32]) -> Result<Vec<i16>> {
    // In the order of their numbers, so that two transactions cannot wait for each other.
    sqlx::query!(
        r#"
        SELECT id
        FROM mindflight.gate
        WHERE id = ANY ($1)
        ORDER BY id
        FOR UPDATE
        "#,
        gates,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    // A statement of its own: it sees what whoever held the lock before has committed.
    let queues = sqlx::query_scalar!(
        r#"
        WITH room AS MATERIALIZED (
            SELECT id, slots
                - (SELECT count(*) FROM mindflight.ready WHERE ready.gate = gate.id)
                - (SELECT count(*) FROM mindflight.lease WHERE lease.gate = gate.id) AS free
            FROM mindflight.gate
            WHERE id = ANY ($1)
        ),
        next AS MATERIALIZED (
            SELECT room.id AS gate, waiting.id
            FROM room
            CROSS JOIN LATERAL (
                SELECT id
                FROM mindflight.blocked
                WHERE blocked.gate = room.id
                ORDER BY lane, id
                LIMIT greatest(room.free, 0)
            ) AS waiting
        ),
        let_in AS (
            DELETE FROM mindflight.blocked
            USING next
            WHERE blocked.id = next.id
            RETURNING blocked.*
        )
        INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate)
        SELECT queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate
        FROM let_in
        RETURNING queue
        "#,
        gates,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(distinct(queues))
}

pub(crate) fn distinct(mut queues: Vec<i16>) -> Vec<i16> {
    queues.sort_unstable();
    queues.dedup();
    queues
}
