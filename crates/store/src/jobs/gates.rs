//! Gates: how many jobs may run at once, and how many may start in a stretch of time, over all instances.
//!
//! A job passes its gate, and then its outer gate if it has one. It uses a slot of a gate from when it has passed it
//! until its attempt has ended: that is a row in `ready` or `lease` that names the gate, or one in `blocked` that
//! names it as passed. Slots are counted under the gate's lock and never stored, so that no crash can leave one taken.
//! What is left of a rate is stored with the gate, and spent when a job passes it.

use mindflight_core::policy::Rate;
use sqlx::PgConnection;

use super::keeper::interval;
use crate::{Error, Result};

/// What a gate lets through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Limit {
    /// Jobs that run at once.
    pub slots: Option<u32>,
    /// Jobs that start in a stretch of time.
    pub rate: Option<Rate>,
    /// Whether it is for a whole kind: jobs pass such a gate last.
    pub is_outer: bool,
}

/// So many at once.
impl From<i32> for Limit {
    fn from(slots: i32) -> Self {
        Self { slots: Some(slots.unsigned_abs()), ..Self::default() }
    }
}

/// The number of a gate, which has this limit from now on.
pub(super) async fn named(db: &mut PgConnection, name: &str, limit: &Limit) -> Result<i32> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    // Those that wait may pass by another limit: somebody looks soon.
    sqlx::query_scalar!(
        r#"
        INSERT INTO mindflight.gate (name, slots, rate, rate_period, tokens, is_outer)
        VALUES ($1, $2, $3, $4, coalesce($3, 0)::double precision, $5)
        ON CONFLICT (name) DO UPDATE
        SET slots = excluded.slots, rate = excluded.rate, rate_period = excluded.rate_period,
            tokens = CASE WHEN gate.rate IS NULL THEN excluded.tokens ELSE gate.tokens END,
            tokens_at = CASE WHEN gate.rate IS NULL THEN excluded.tokens_at ELSE gate.tokens_at END,
            wakes_at = CASE
                WHEN (gate.slots, gate.rate, gate.rate_period)
                    IS NOT DISTINCT FROM (excluded.slots, excluded.rate, excluded.rate_period)
                THEN gate.wakes_at
                ELSE clock_timestamp()
            END
        RETURNING id
        "#,
        name,
        limit.slots.map(number),
        limit.rate.map(|rate| number(rate.count)),
        limit.rate.map(|rate| interval(rate.period)),
        limit.is_outer,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

/// Lets jobs that wait at these gates pass while there are free slots and tokens; gives the queues that got some.
/// Call it after everything else in the transaction that freed slots or blocked jobs.
pub(crate) async fn admit(db: &mut PgConnection, gates: &[i32]) -> Result<Vec<i16>> {
    let Locked { inner, mut outer } = lock(db, gates).await?;
    let mut queues = Vec::new();
    if !inner.is_empty() {
        let passed = pass(db, &inner).await?;
        queues.extend(passed.queues);
        let wanted: Vec<i32> = gates.iter().copied().chain(passed.gates).collect();
        outer = lock_outer(db, &wanted).await?;
    }
    if !outer.is_empty() {
        queues.extend(pass(db, &outer).await?.queues);
    }
    Ok(distinct(queues))
}

/// Gates that are locked.
#[derive(Default)]
struct Locked {
    inner: Vec<i32>,
    outer: Vec<i32>,
}

/// Locks gates in the order of their numbers, so that two transactions cannot wait for each other: outer ones after
/// all others, and so only if there are no others, or jobs that pass those could come to more outer ones.
async fn lock(db: &mut PgConnection, gates: &[i32]) -> Result<Locked> {
    let rows = sqlx::query!(
        r#"
        WITH inner_ones AS MATERIALIZED (
            SELECT id
            FROM mindflight.gate
            WHERE id = ANY ($1)
                AND NOT is_outer
            ORDER BY id
            FOR UPDATE
        ),
        outer_ones AS MATERIALIZED (
            SELECT id
            FROM mindflight.gate
            WHERE id = ANY ($1)
                AND is_outer
                AND NOT EXISTS (SELECT FROM inner_ones)
            ORDER BY id
            FOR UPDATE
        )
        SELECT id AS "id!", false AS "is_outer!"
        FROM inner_ones
        UNION ALL
        SELECT id, true
        FROM outer_ones
        "#,
        gates,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    let mut locked = Locked::default();
    for row in rows {
        let ones = if row.is_outer { &mut locked.outer } else { &mut locked.inner };
        ones.push(row.id);
    }
    Ok(locked)
}

async fn lock_outer(db: &mut PgConnection, gates: &[i32]) -> Result<Vec<i32>> {
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM mindflight.gate
        WHERE id = ANY ($1)
            AND is_outer
        ORDER BY id
        FOR UPDATE
        "#,
        gates,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// Locks the gates of a job that waits at one: nobody lets it pass meanwhile.
pub(crate) async fn hold(db: &mut PgConnection, job: uuid::Uuid) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT id
        FROM mindflight.gate
        WHERE id IN (
            SELECT own.gate
            FROM mindflight.blocked
            CROSS JOIN unnest(ARRAY[blocked.gate, blocked.outer_gate, blocked.inner_gate]) AS own (gate)
            WHERE blocked.id = $1
        )
        ORDER BY is_outer, id
        FOR UPDATE OF gate
        "#,
        job,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Where jobs are that have passed: the queues of those that workers find, the outer gates of those that wait there.
#[derive(Default)]
struct Passed {
    queues: Vec<i16>,
    gates: Vec<i32>,
}

/// A statement of its own: it sees what whoever held the locks before has committed.
async fn pass(db: &mut PgConnection, gates: &[i32]) -> Result<Passed> {
    let rows = sqlx::query_file!("queries/jobs/admit.sql", gates)
        .fetch_all(db)
        .await
        .map_err(Error::of)?;
    let mut passed = Passed::default();
    for row in rows {
        passed.queues.extend(row.queue);
        passed.gates.extend(row.outer_gate);
    }
    Ok(passed)
}

/// Gates whose rate lets the next job pass now. They are not locked.
pub(super) async fn due(db: &mut PgConnection) -> Result<Vec<i32>> {
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM mindflight.gate
        WHERE wakes_at <= clock_timestamp()
        ORDER BY wakes_at
        LIMIT 1000
        "#,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

pub(crate) fn distinct(mut queues: Vec<i16>) -> Vec<i16> {
    queues.sort_unstable();
    queues.dedup();
    queues
}
