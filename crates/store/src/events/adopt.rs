//! Takes over a log that another cluster, database or time line wrote: after a restore or a fail-over, its history may
//! have gone back, and its transaction numbers mean nothing here.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use crate::{Error, Result};

/// How long it may take: it looks at every event that there is.
pub(super) const LIMIT: Duration = Duration::from_secs(10 * 60);

/// Notes where the log is; if that is not where it was written, begins another epoch.
pub(super) async fn adopt(db: &mut PgConnection) -> Result<()> {
    let found = sqlx::query!(
        r#"
        SELECT log.home, here.home AS "here!"
        FROM mindflight.event_log AS log
        CROSS JOIN (
            SELECT concat_ws(
                '/',
                (SELECT system_identifier FROM pg_control_system()),
                (SELECT oid FROM pg_database WHERE datname = current_database()),
                left(pg_walfile_name(pg_current_wal_insert_lsn()), 8),
                -- A restore into the same database makes the tables anew.
                'mindflight.event_log'::regclass::oid
            ) AS home
        ) AS here
        "#,
    )
    .fetch_one(&mut *db)
    .await
    .map_err(Error::of)?;
    if found.home.as_ref() == Some(&found.here) {
        return Ok(());
    }
    let mut tx = db.begin().await.map_err(Error::of)?;
    let before = lock(&mut tx).await?;
    if before.as_ref() != Some(&found.here) {
        if before.is_some() {
            rewrite(&mut tx).await?;
        }
        settle(&mut tx, &found.here).await?;
    }
    tx.commit().await.map_err(Error::of)
}

/// Keeps everybody else from giving positions meanwhile; where the log was when the last of them had done so.
async fn lock(db: &mut PgConnection) -> Result<Option<String>> {
    sqlx::query!(
        r#"
        SELECT pg_advisory_xact_lock(hashtextextended('mindflight.tick', 0)),
            set_config('statement_timeout', '10min', true) AS time, set_config('enable_seqscan', 'on', true) AS plan
        "#,
    )
    .fetch_one(&mut *db)
    .await
    .map_err(Error::of)?;
    sqlx::query_scalar!(
        r#"
        SELECT home
        FROM mindflight.event_log
        FOR UPDATE
        "#,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

/// Gives positions to what has none, by a snapshot of this cluster, and makes transaction numbers that this cluster
/// may give again into one that it never will. One statement, so one snapshot: what is published meanwhile is not in it.
async fn rewrite(db: &mut PgConnection) -> Result<()> {
    // 3 is older than every transaction of every cluster.
    sqlx::query!(
        r#"
        WITH now AS MATERIALIZED (
            SELECT pg_current_snapshot() AS snap
        ),
        last AS MATERIALIZED (
            SELECT base, base + n AS next
            FROM mindflight.tick
            ORDER BY base DESC
            LIMIT 1
        ),
        given AS (
            SELECT unnest(seqs) AS seq
            FROM mindflight.tick
        ),
        lost AS MATERIALIZED (
            SELECT sum(count) AS n, array_agg(seq ORDER BY seq) AS seqs,
                CASE WHEN max(count) > 1 THEN array_agg(count ORDER BY seq) END AS counts
            FROM mindflight.event
            WHERE NOT EXISTS (SELECT FROM given WHERE given.seq = event.seq)
        ),
        sealed AS (
            INSERT INTO mindflight.tick (base, n, seqs, counts, snap)
            SELECT last.next, lost.n, lost.seqs, lost.counts, now.snap
            FROM last, lost, now
            WHERE lost.n > 0
        ),
        moved AS (
            UPDATE mindflight.tick
            SET snap = now.snap
            FROM last, lost, now
            WHERE tick.base = last.base
                AND lost.n IS NULL
        )
        UPDATE mindflight.event
        SET xid = '3'
        FROM now
        WHERE event.xid >= pg_snapshot_xmin(now.snap)
        "#,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

/// Begins another epoch, unless somebody has begun one since.
pub(super) async fn begin_epoch(db: &mut PgConnection, before: &str) -> Result<()> {
    sqlx::query!(
        r#"
        WITH log AS (
            UPDATE mindflight.event_log
            SET epoch = left(replace(gen_random_uuid()::text, '-', ''), 8)
            WHERE epoch = $1
            RETURNING epoch
        )
        UPDATE mindflight.consumer
        SET epoch = log.epoch
        FROM log
        "#,
        before,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn settle(db: &mut PgConnection, home: &str) -> Result<()> {
    sqlx::query!(
        r#"
        WITH log AS (
            UPDATE mindflight.event_log
            SET epoch = CASE
                    WHEN home IS NULL THEN epoch
                    ELSE left(replace(gen_random_uuid()::text, '-', ''), 8)
                END,
                home = $1
            RETURNING epoch
        )
        UPDATE mindflight.consumer
        SET epoch = log.epoch
        FROM log
        "#,
        home,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}
