//! Jobs that wait for others: what they wait for is marked when they are made, and whoever ends a marked job lets
//! them go in the same transaction, or cancels them.
//!
//! Whoever makes a job that waits holds the row of each job it waits for, wherever that is, until the commit. So
//! whoever ends such a job either sees the mark, and then what it is for, or has committed before it was looked for.

use std::collections::HashSet;

use mindflight_api::job::JobError;
use mindflight_api::{JobId, codes};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::completer::as_json;
use super::due;
use crate::{Error, Result};

/// Jobs move while they are looked for; so often is it tried again.
const ROUNDS: u32 = 64;

/// What the end of jobs led to, for whoever ended them: keys and gates come last in a transaction.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Jobs that were cancelled, and have unique keys.
    pub(crate) keys: Vec<Uuid>,
    /// Where jobs wait to be let in.
    pub(crate) gates: Vec<i32>,
    /// Queues that got jobs.
    pub(crate) queues: Vec<i16>,
}

/// Who waits for whom, and in which place it was named.
#[derive(Debug, Default)]
pub(super) struct Links {
    jobs: Vec<Uuid>,
    parents: Vec<Uuid>,
    places: Vec<i16>,
}

impl Links {
    pub(super) fn push(&mut self, job: JobId, parents: impl IntoIterator<Item = JobId>) {
        let mut seen = HashSet::new();
        for parent in parents {
            // Two of them may have turned out to be one, by their unique key.
            if seen.insert(parent) {
                self.jobs.push(job.uuid());
                self.parents.push(parent.uuid());
                self.places.push(i16::try_from(seen.len()).unwrap_or(i16::MAX));
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn parents(&self) -> HashSet<Uuid> {
        self.parents.iter().copied().collect()
    }

    /// Those who wait for one of `parents`.
    pub(super) fn waiting_for(&self, parents: &[Uuid]) -> Vec<Uuid> {
        let ended: HashSet<&Uuid> = parents.iter().collect();
        let pairs = self.jobs.iter().zip(&self.parents);
        let mut jobs: Vec<Uuid> =
            pairs.filter(|(_, parent)| ended.contains(parent)).map(|(job, _)| *job).collect();
        jobs.sort_unstable();
        jobs.dedup();
        jobs
    }

    pub(super) async fn write(&self, db: &mut PgConnection) -> Result<()> {
        sqlx::query!(
            r#"
            INSERT INTO mindflight.dependency (job, parent, place)
            SELECT job, parent, place
            FROM unnest($1::uuid[], $2::uuid[], $3::smallint[]) AS link (job, parent, place)
            "#,
            &self.jobs,
            &self.parents,
            &self.places,
        )
        .execute(db)
        .await
        .map_err(Error::of)?;
        Ok(())
    }
}

/// Marks these jobs as awaited, and holds them until the end of the transaction. Gives those that have ended.
pub(super) async fn expect(db: &mut PgConnection, parents: &[Uuid]) -> Result<Vec<Uuid>> {
    for _ in 0..ROUNDS {
        let mut attempt = db.begin().await.map_err(Error::of)?;
        let found = mark(&mut attempt, parents).await?;
        let missing = parents.iter().copied().find(|parent| !found.contains(parent));
        let Some(missing) = missing else {
            attempt.commit().await.map_err(Error::of)?;
            return Ok(found.ended);
        };
        // Holding some while waiting for others, it could stand in the way of whoever ends them all at once.
        attempt.rollback().await.map_err(Error::of)?;
        refuse_absent(db, parents).await?;
        await_holder(db, missing).await?;
    }
    Err(Error::conflict("the jobs of `after` move too fast; try again".to_owned()))
}

/// Marks those of these jobs that others wait for; they have just been taken out of their end.
pub(crate) async fn expect_again(db: &mut PgConnection, jobs: &[Uuid]) -> Result<()> {
    let parents = sqlx::query_scalar!(
        r#"
        SELECT DISTINCT parent
        FROM mindflight.dependency
        WHERE parent = ANY ($1)
        "#,
        jobs,
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    if !parents.is_empty() {
        mark(db, &parents).await?;
    }
    Ok(())
}

/// The jobs that could be had at once.
struct Found {
    waiting: HashSet<Uuid>,
    ended: Vec<Uuid>,
}

impl Found {
    fn contains(&self, id: &Uuid) -> bool {
        self.waiting.contains(id) || self.ended.contains(id)
    }
}

/// Each place by a statement of its own, in the order in which jobs go through them.
async fn mark(db: &mut PgConnection, ids: &[Uuid]) -> Result<Found> {
    let mut waiting: HashSet<Uuid> = HashSet::new();
    for place in PLACES {
        let held: Vec<Uuid> =
            sqlx::query_scalar(place).bind(ids).fetch_all(&mut *db).await.map_err(Error::of)?;
        waiting.extend(held);
    }
    let ended = sqlx::query_scalar!(
        r#"
        SELECT job
        FROM mindflight.outcome
        WHERE job = ANY ($1)
        FOR KEY SHARE SKIP LOCKED
        "#,
        ids,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)?;
    Ok(Found { waiting, ended })
}

macro_rules! place {
    ($table:literal) => {
        concat!(
            "WITH held AS MATERIALIZED (SELECT id FROM mindflight.",
            $table,
            " WHERE id = ANY ($1) FOR UPDATE SKIP LOCKED), marked AS (UPDATE mindflight.",
            $table,
            " AS place SET is_awaited = true FROM held WHERE place.id = held.id AND NOT place.is_awaited)",
            " SELECT id FROM held"
        )
    };
}

/// Marks jobs $1 in one place, and gives those that it has.
const PLACES: [&str; 5] = [
    place!("scheduled"),
    place!("blocked"),
    READY,
    place!("lease"),
    // One that failed meanwhile, or was handed back.
    place!("scheduled"),
];

const READY: &str = "
WITH held AS MATERIALIZED (
    SELECT ready.queue, ready.lane, ready.id
    FROM mindflight.job
    CROSS JOIN unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
    JOIN mindflight.ready ON ready.queue = job.queue
        AND ready.lane = own.lane
        AND ready.id = job.id
    WHERE job.id = ANY ($1)
    FOR UPDATE OF ready SKIP LOCKED
),
marked AS (
    UPDATE mindflight.ready AS place
    SET is_awaited = true
    FROM held
    WHERE place.queue = held.queue
        AND place.lane = held.lane
        AND place.id = held.id
        AND NOT place.is_awaited
)
SELECT id FROM held";

async fn refuse_absent(db: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    let absent = sqlx::query_scalar!(
        r#"
        SELECT wanted.id AS "id!"
        FROM unnest($1::uuid[]) AS wanted (id)
        WHERE NOT EXISTS (SELECT FROM mindflight.job WHERE job.id = wanted.id)
        LIMIT 1
        "#,
        ids,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    match absent {
        Some(id) => Err(Error::Invalid(format!(
            "`after`: there is no job {id}; it is forgotten, or never was"
        ))),
        None => Ok(()),
    }
}

/// Waits until nobody else has the row of a job, wherever it is, and lets go of it again.
async fn await_holder(db: &mut PgConnection, id: Uuid) -> Result<()> {
    let mut attempt = db.begin().await.map_err(Error::of)?;
    for place in [
        sqlx::query!("SELECT FROM mindflight.scheduled WHERE id = $1 FOR SHARE", id)
            .execute(&mut *attempt)
            .await,
        sqlx::query!("SELECT FROM mindflight.blocked WHERE id = $1 FOR SHARE", id)
            .execute(&mut *attempt)
            .await,
        sqlx::query!(
            r#"
            SELECT
            FROM mindflight.job
            CROSS JOIN unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
            JOIN mindflight.ready ON ready.queue = job.queue
                AND ready.lane = own.lane
                AND ready.id = job.id
            WHERE job.id = $1
            FOR SHARE OF ready
            "#,
            id,
        )
        .execute(&mut *attempt)
        .await,
        sqlx::query!("SELECT FROM mindflight.lease WHERE id = $1 FOR SHARE", id)
            .execute(&mut *attempt)
            .await,
        sqlx::query!("SELECT FROM mindflight.outcome WHERE job = $1 FOR KEY SHARE", id)
            .execute(&mut *attempt)
            .await,
    ] {
        place.map_err(Error::of)?;
    }
    attempt.rollback().await.map_err(Error::of)
}

/// Takes care of the jobs that wait for `parents`, which have ended in this transaction.
pub(crate) async fn settle(db: &mut PgConnection, parents: Vec<Uuid>) -> Result<Settled> {
    let (mut settled, mut ended) = (Settled::default(), parents);
    while !ended.is_empty() {
        let waiting = hold(db, &ended).await?;
        ended = settle_these(db, &waiting, &mut settled).await?;
    }
    Ok(settled)
}

/// The same for jobs that were made a moment ago and wait for some that had ended before.
pub(super) async fn settle_new(db: &mut PgConnection, waiting: &[Uuid]) -> Result<Settled> {
    let mut settled = Settled::default();
    let ended = settle_these(db, waiting, &mut settled).await?;
    let rest = settle(db, ended).await?;
    settled.keys.extend(rest.keys);
    settled.gates.extend(rest.gates);
    settled.queues.extend(rest.queues);
    Ok(settled)
}

/// Holds the jobs that wait for `parents`, in the order of their ids, so that two who end some of what one waits for
/// come one after the other.
pub(crate) async fn hold(db: &mut PgConnection, parents: &[Uuid]) -> Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        r#"
        SELECT scheduled.id
        FROM mindflight.scheduled
        WHERE scheduled.id = ANY (ARRAY(SELECT job FROM mindflight.dependency WHERE parent = ANY ($1)))
            AND scheduled.why = 3
        ORDER BY scheduled.id
        FOR UPDATE
        "#,
        parents,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

/// Lets go or cancels what need not wait any more. Gives those that were cancelled and are awaited themselves.
async fn settle_these(
    db: &mut PgConnection,
    waiting: &[Uuid],
    settled: &mut Settled,
) -> Result<Vec<Uuid>> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let (mut free, mut unwanted) = (Vec::new(), (Vec::new(), Vec::new()));
    for one in judge(db, waiting).await? {
        if let Some(error) = one.error() {
            unwanted.0.push(one.id);
            unwanted.1.push(as_json(&error));
        } else if !one.waits {
            free.push(one.id);
        }
    }
    if !free.is_empty() {
        release(db, &free, settled).await?;
    }
    match unwanted.0.is_empty() {
        true => Ok(Vec::new()),
        false => cancel(db, &unwanted.0, &unwanted.1, settled).await,
    }
}

/// What a waiting job has come to.
struct Judged {
    id: Uuid,
    /// Something it waits for has not ended.
    waits: bool,
    /// The first that did not succeed, if it minds.
    failed: Option<Uuid>,
    failed_kind: Option<String>,
    failed_state: Option<i16>,
}

impl Judged {
    fn error(&self) -> Option<JobError> {
        let parent = JobId::from(self.failed?);
        let kind = self.failed_kind.as_deref().unwrap_or_default();
        let what = if self.failed_state == Some(1) { "has failed" } else { "was cancelled" };
        let code = codes::JOB_PARENT_FAILED;
        Some(JobError {
            code: code.name.to_owned(),
            detail: format!("it waited for the job {parent} (`{kind}`), which {what}"),
            fault: code.fault,
            retry: code.retry,
            fix: None,
        })
    }
}

/// A statement of its own: it sees what whoever held these jobs before has committed. What is awaited and has ended
/// leaves its end behind, or was deleted with everything.
async fn judge(db: &mut PgConnection, waiting: &[Uuid]) -> Result<Vec<Judged>> {
    sqlx::query_as!(
        Judged,
        r#"
        SELECT scheduled.id, failed.parent AS "failed?", failed.kind AS "failed_kind?", failed.state AS "failed_state?",
            EXISTS (
                SELECT
                FROM mindflight.dependency
                WHERE dependency.job = scheduled.id
                    AND NOT EXISTS (SELECT FROM mindflight.outcome WHERE outcome.job = dependency.parent)
                    AND EXISTS (SELECT FROM mindflight.job WHERE job.id = dependency.parent)
            ) AS "waits!"
        FROM mindflight.scheduled
        LEFT JOIN LATERAL (
            SELECT dependency.parent, kind.name AS kind, outcome.state
            FROM mindflight.dependency
            JOIN mindflight.outcome ON outcome.job = dependency.parent
                AND outcome.state > 0
            JOIN mindflight.kind ON kind.id = outcome.kind
            WHERE dependency.job = scheduled.id
                AND NOT EXISTS (
                    SELECT
                    FROM mindflight.job
                    WHERE job.id = scheduled.id
                        AND job.meta ->> 'on_failure' = 'run'
                )
            ORDER BY dependency.place
            LIMIT 1
        ) AS failed ON true
        WHERE scheduled.id = ANY ($1)
            AND scheduled.why = 3
        ORDER BY scheduled.id
        "#,
        waiting,
    )
    .fetch_all(db)
    .await
    .map_err(Error::of)
}

async fn release(db: &mut PgConnection, ids: &[Uuid], settled: &mut Settled) -> Result<()> {
    for placed in due::place(db, ids, true).await? {
        match placed.gate {
            Some(gate) => settled.gates.push(gate),
            None => settled.queues.push(placed.queue),
        }
    }
    Ok(())
}

async fn cancel(
    db: &mut PgConnection,
    ids: &[Uuid],
    errors: &[Value],
    settled: &mut Settled,
) -> Result<Vec<Uuid>> {
    let rows = sqlx::query_file!("queries/jobs/cancel_dependents.sql", ids, errors)
        .fetch_all(db)
        .await
        .map_err(Error::of)?;
    settled.keys.extend(rows.iter().filter(|row| row.is_unique).map(|row| row.id));
    Ok(rows.into_iter().filter(|row| row.is_awaited).map(|row| row.id).collect())
}
