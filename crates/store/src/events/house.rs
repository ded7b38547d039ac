//! Keeps the log in order: partitions are made ahead and dropped whole when they are old.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::Ticker;
use super::tick::number;
use crate::jobs::interval;
use crate::{Error, Result};

/// How many bits of an event's number are its place in its partition.
const WIDTH: u32 = 32;

/// Rows that are removed at a time.
const SWEEP: i64 = 5000;

/// How long the same id means the same event.
const SAME_ID: Duration = Duration::from_secs(24 * 3600);

/// How the log is kept.
#[derive(Debug, Clone)]
pub struct House {
    /// Events are kept for so long at least.
    pub retention: Duration,
    /// A partition takes events for so long.
    pub partition: Duration,
}

/// What keeping house came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    /// Whether events go into another partition from now on.
    pub rolled: bool,
    /// Partitions that were dropped.
    pub dropped: usize,
}

/// One partition, by its number.
struct Partition(i64);

impl Partition {
    /// The lowest number that the next one has.
    fn end(&self) -> i64 {
        (self.0 + 1) << WIDTH
    }
}

pub(super) async fn keep(ticker: &mut Ticker, house: &House) -> Result<Kept> {
    let mut kept = Kept::default();
    let (partition, retention) = (house.partition, house.retention);
    kept.rolled = ticker.run(async |db| roll(db, partition).await).await?;
    let old = ticker.run(async |db| old(db, retention).await).await?;
    for partition in old {
        if !ticker.run(async |db| give_up(db, &partition, retention).await).await? {
            // What is older than what has to stay goes, and nothing else: positions are given up in order.
            break;
        }
        ticker.run(async |db| drop_one(db, &partition).await).await?;
        kept.dropped += 1;
    }
    while ticker.run(async |db| forget_ticks(db).await).await? {}
    while ticker.run(async |db| forget_ids(db).await).await? {}
    Ok(kept)
}

/// Lets events go into the next partition, if the newest one has taken some for long enough.
async fn roll(db: &mut PgConnection, after: Duration) -> Result<bool> {
    let mut tx = begin_with_patience(db).await?;
    let due = sqlx::query_scalar!(
        r#"
        UPDATE mindflight.event_log
        SET rolled_at = clock_timestamp()
        WHERE rolled_at < clock_timestamp() - $1::interval
        RETURNING (SELECT last_value >> 32 FROM mindflight.event_seq) AS "number!"
        "#,
        interval(after),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(Error::of)?;
    let Some(number) = due else { return Ok(false) };
    if newest(&mut tx, number).await?.is_none() {
        // Nothing was published: the partition goes on.
        tx.commit().await.map_err(Error::of)?;
        return Ok(false);
    }
    let made = number + 2;
    let (from, to) = (made << WIDTH, (made + 1) << WIDTH);
    // Attaching waits for nobody who publishes or reads; making it in its place would.
    for statement in [
        format!(
            "CREATE TABLE IF NOT EXISTS mindflight.event_p{made} (LIKE mindflight.event INCLUDING ALL)"
        ),
        format!(
            "ALTER TABLE mindflight.event ATTACH PARTITION mindflight.event_p{made} FOR VALUES FROM ({from}) TO ({to})"
        ),
    ] {
        execute(&mut tx, statement).await?;
    }
    tx.commit().await.map_err(Error::of)?;
    // Only now is there somewhere to go after the next one. Whoever is faster has gone there already.
    sqlx::query!(
        r#"
        SELECT setval('mindflight.event_seq', $1, false)
        FROM mindflight.event_seq
        WHERE last_value < $1
        "#,
        (number + 1) << WIDTH,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(true)
}

/// Partitions that take no more events and have none that must stay, oldest first.
async fn old(db: &mut PgConnection, retention: Duration) -> Result<Vec<Partition>> {
    let rows = sqlx::query!(
        r#"
        SELECT substring(child.relname FROM '^event_p([0-9]+)$')::bigint AS "number!",
            (SELECT last_value >> 32 FROM mindflight.event_seq) AS "newest!",
            clock_timestamp() - $1::interval AS "keep_since!"
        FROM pg_inherits
        JOIN pg_class AS child ON child.oid = inhrelid
        WHERE inhparent = 'mindflight.event'::regclass
        ORDER BY 1
        "#,
        interval(retention),
    )
    .fetch_all(&mut *db)
    .await
    .map_err(Error::of)?;
    let mut old = Vec::new();
    for row in rows {
        if row.number >= row.newest {
            break;
        }
        let newest = newest(db, row.number).await?;
        if newest.is_some_and(|newest| newest >= row.keep_since) {
            break;
        }
        old.push(Partition(row.number));
    }
    Ok(old)
}

/// When the newest event of a partition was published, if it has any.
async fn newest(db: &mut PgConnection, partition: i64) -> Result<Option<DateTime<Utc>>> {
    sqlx::query_scalar!(
        r#"
        SELECT time
        FROM mindflight.event
        WHERE seq >= $1
            AND seq < $2
        ORDER BY seq DESC
        LIMIT 1
        "#,
        partition << WIDTH,
        (partition + 1) << WIDTH,
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)
}

/// Tells readers that the positions of a partition are gone, before they are. Not while a consumer that is alive has
/// to read them; whether it was done.
async fn give_up(db: &mut PgConnection, partition: &Partition, stale: Duration) -> Result<bool> {
    let given_up = sqlx::query_scalar!(
        r#"
        WITH last AS (
            SELECT max(base + n) AS position
            FROM mindflight.tick
            WHERE seqs[1] < $1
        )
        UPDATE mindflight.event_log
        SET gone = greatest(gone, coalesce(last.position, 0))
        FROM last
        WHERE NOT EXISTS (
            SELECT
            FROM mindflight.consumer
            WHERE consumer.position < last.position
                AND consumer.seen_at > clock_timestamp() - $2::interval
        )
        RETURNING gone
        "#,
        partition.end(),
        interval(stale),
    )
    .fetch_optional(db)
    .await
    .map_err(Error::of)?;
    Ok(given_up.is_some())
}

async fn drop_one(db: &mut PgConnection, partition: &Partition) -> Result<()> {
    let mut tx = begin_with_patience(db).await?;
    let table = format!("mindflight.event_p{}", partition.0);
    for statement in [
        format!("ALTER TABLE mindflight.event DETACH PARTITION {table}"),
        format!("DROP TABLE {table}"),
    ] {
        execute(&mut tx, statement).await?;
    }
    tx.commit().await.map_err(Error::of)
}

/// Removes ticks whose events are gone, but never the newest; whether there may be more.
async fn forget_ticks(db: &mut PgConnection) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        DELETE FROM mindflight.tick
        WHERE base = ANY (ARRAY(
            SELECT base
            FROM mindflight.tick
            WHERE base + n <= (SELECT gone FROM mindflight.event_log)
                AND base < (SELECT max(base) FROM mindflight.tick)
            ORDER BY base
            LIMIT $1
        ))
        "#,
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(number(done.rows_affected()) == SWEEP)
}

async fn forget_ids(db: &mut PgConnection) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        DELETE FROM mindflight.event_id
        WHERE (source, id) IN (
            SELECT source, id
            FROM mindflight.event_id
            WHERE published_at < clock_timestamp() - $1::interval
            ORDER BY source, id
            LIMIT $2
            FOR UPDATE SKIP LOCKED
        )
        "#,
        interval(SAME_ID),
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(number(done.rows_affected()) == SWEEP)
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
