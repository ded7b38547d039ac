//! Keeps the log in order: partitions are made ahead and dropped whole when they are old.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use super::Ticker;
use super::tick::number;
use crate::jobs::interval;
use crate::partitioning::{begin_with_patience, execute};
use crate::{Error, Result};

/// How many bits of an event's number are its place in its partition.
const WIDTH: u32 = 32;

/// How long giving up positions may take: it looks at every tick of a partition.
const LIMIT: Duration = Duration::from_secs(60);

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
        let work = async |db: &mut PgConnection| give_up(db, &partition, retention).await;
        // What is older than what has to stay goes, and nothing else: positions are given up in order.
        let Some(seen) = ticker.session.run_for(LIMIT, work).await? else { break };
        if !ticker.run(async |db| drop_one(db, &partition, &seen).await).await? {
            break;
        }
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
    make(&mut tx, number + 2).await?;
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

/// Makes a partition, unless whoever was to go on from here did not get further than that.
async fn make(db: &mut PgConnection, number: i64) -> Result<()> {
    let name = format!("mindflight.event_p{number}");
    let is_there =
        sqlx::query_scalar!(r#"SELECT to_regclass($1) IS NOT NULL AS "is_there!""#, name)
            .fetch_one(&mut *db)
            .await
            .map_err(Error::of)?;
    if is_there {
        return Ok(());
    }
    let (from, to) = (number << WIDTH, (number + 1) << WIDTH);
    // Attaching waits for nobody who publishes or reads; making it in its place would.
    for statement in [
        format!("CREATE TABLE {name} (LIKE mindflight.event INCLUDING ALL)"),
        format!(
            "ALTER TABLE mindflight.event ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"
        ),
    ] {
        execute(db, statement).await?;
    }
    Ok(())
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
/// to read them. Gives the snapshot by which they got those positions.
async fn give_up(
    db: &mut PgConnection,
    partition: &Partition,
    stale: Duration,
) -> Result<Option<String>> {
    let mut tx = db.begin().await.map_err(Error::of)?;
    execute(&mut tx, format!("SET LOCAL statement_timeout = {}", LIMIT.as_millis())).await?;
    let seen = sqlx::query_scalar!(
        r#"
        WITH last AS MATERIALIZED (
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
        RETURNING (SELECT snap::text FROM mindflight.tick ORDER BY base DESC LIMIT 1) AS "snap!"
        "#,
        partition.end(),
        interval(stale),
    )
    .fetch_optional(&mut *tx)
    .await
    .map_err(Error::of)?;
    tx.commit().await.map_err(Error::of)?;
    Ok(seen)
}

/// Drops a partition, unless it has events that a snapshot does not show: those have no position yet, or got one since.
async fn drop_one(db: &mut PgConnection, partition: &Partition, seen: &str) -> Result<bool> {
    let mut tx = db.begin().await.map_err(Error::of)?;
    // Everybody who publishes waits behind this; whoever holds them up is waited for the next time.
    execute(&mut tx, "SET LOCAL lock_timeout = '100ms'".to_owned()).await?;
    execute(&mut tx, "LOCK TABLE mindflight.event IN ACCESS EXCLUSIVE MODE".to_owned()).await?;
    let is_needed = sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM mindflight.event
            WHERE seq >= $1
                AND seq < $2
                AND xid >= pg_snapshot_xmin($3::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(xid, $3::text::pg_snapshot)
        ) AS "is_needed!"
        "#,
        partition.0 << WIDTH,
        partition.end(),
        seen,
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(Error::of)?;
    if is_needed {
        return Ok(false);
    }
    let table = format!("mindflight.event_p{}", partition.0);
    for statement in [
        format!("ALTER TABLE mindflight.event DETACH PARTITION {table}"),
        format!("DROP TABLE {table}"),
    ] {
        execute(&mut tx, statement).await?;
    }
    tx.commit().await.map_err(Error::of)?;
    Ok(true)
}

/// Removes ticks all of whose events are gone, but never the newest; whether there may be more.
async fn forget_ticks(db: &mut PgConnection) -> Result<bool> {
    let done = sqlx::query!(
        r#"
        DELETE FROM mindflight.tick
        WHERE base = ANY (ARRAY(
            SELECT base
            FROM mindflight.tick
            WHERE base < (SELECT gone FROM mindflight.event_log)
                AND base < (SELECT max(base) FROM mindflight.tick)
                AND base + n <= (SELECT gone FROM mindflight.event_log)
                -- Each event that is still there has its tick: by that is known that it has a position.
                AND coalesce(seqs[cardinality(seqs)], 0) < (
                    SELECT min(substring(child.relname FROM '^event_p([0-9]+)$')::bigint) << 32
                    FROM pg_inherits
                    JOIN pg_class AS child ON child.oid = inhrelid
                    WHERE inhparent = 'mindflight.event'::regclass
                )
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
