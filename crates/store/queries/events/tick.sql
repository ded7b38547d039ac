WITH lock AS MATERIALIZED (
    -- Whoever has it already does the same; the primary key decides, this saves work.
    SELECT pg_try_advisory_xact_lock(hashtextextended('mindflight.tick', 0)) AS is_held
),
last AS MATERIALIZED (
    SELECT base, base + n AS next, snap
    FROM mindflight.tick
    ORDER BY base DESC
    LIMIT 1
),
now AS MATERIALIZED (
    -- The snapshot of this very statement: what it shows is what is read.
    SELECT pg_current_snapshot() AS snap
),
fresh AS (
    -- Of transactions that began after the last tick,
    SELECT event.seq, event.count
    FROM lock, last, now, mindflight.event
    WHERE lock.is_held
        AND event.xid >= pg_snapshot_xmax(last.snap)
        AND event.xid < pg_snapshot_xmax(now.snap)
        AND pg_visible_in_snapshot(event.xid, now.snap)
    UNION ALL
    -- and of those that were open then.
    SELECT event.seq, event.count
    FROM lock
    CROSS JOIN last
    CROSS JOIN LATERAL pg_snapshot_xip(last.snap) AS late (xid)
    CROSS JOIN now
    -- One after the other: a plan made while the log was short would look at all of it when it is long.
    CROSS JOIN LATERAL (
        SELECT seq, count, xid
        FROM mindflight.event
        WHERE event.xid = late.xid
        OFFSET 0
    ) AS event
    WHERE lock.is_held
        AND pg_visible_in_snapshot(event.xid, now.snap)
),
batch AS MATERIALIZED (
    SELECT sum(count) AS n, array_agg(seq ORDER BY seq) AS seqs,
        CASE WHEN max(count) > 1 THEN array_agg(count ORDER BY seq) END AS counts
    FROM fresh
),
closed AS (
    INSERT INTO mindflight.tick (base, n, seqs, counts, snap)
    SELECT last.next, batch.n, batch.seqs, batch.counts, now.snap
    FROM last, now, batch
    -- An idle log writes nothing.
    WHERE batch.n > 0
    ON CONFLICT (base) DO NOTHING
    RETURNING base + n AS head
)
SELECT coalesce(closed.head, last.next) AS "head!", closed.head IS NOT NULL AS "is_new!",
    NOT lock.is_held OR (coalesce(batch.n, 0) > 0 AND closed.head IS NULL) AS "is_late!",
    log.epoch AS "epoch!", log.gone AS "gone!"
FROM lock
CROSS JOIN last
CROSS JOIN batch
CROSS JOIN mindflight.event_log AS log
LEFT JOIN closed ON true
