-- Every queue, or the one called $1. Its jobs that are not due and those that wait for a limit are found among the
-- first 20,000 of all queues; of those that wait for a worker 100,000 are counted in all, 1,000 to 10,000 of each
-- queue. $2: how long ago a live worker has said so at most, in seconds.
WITH most AS MATERIALIZED (
    SELECT CASE
        WHEN $1::text IS NULL THEN least(10000, greatest(1000, 100000 / greatest(count(*), 1)))
        ELSE 10000
    END AS number
    FROM mindflight.queue
),
later AS MATERIALIZED (
    SELECT queue, least(count(*), 10000) AS number
    FROM (SELECT queue FROM mindflight.scheduled WHERE run_at < '9999-12-31Z' OR why <> 3 LIMIT 20000) AS jobs
    GROUP BY queue
),
limited AS MATERIALIZED (
    SELECT queue, least(count(*), 10000) AS number
    FROM (
        (SELECT queue FROM mindflight.blocked LIMIT 20000)
        UNION ALL
        (SELECT queue FROM mindflight.scheduled WHERE run_at >= '9999-12-31Z' AND why = 3 LIMIT 20000)
    ) AS jobs
    GROUP BY queue
),
at_work AS MATERIALIZED (
    SELECT queue, count(*) AS number
    FROM mindflight.lease
    GROUP BY queue
)
SELECT queue.name, queue.keeps_history,
    CASE WHEN queue.paused_until <= clock_timestamp() THEN NULL ELSE queue.paused_at END AS "paused_at?",
    CASE WHEN queue.paused_until <= clock_timestamp() THEN NULL ELSE queue.paused_by END AS "paused_by?",
    CASE WHEN queue.paused_until <= clock_timestamp() THEN NULL ELSE queue.pause_reason END AS "pause_reason?",
    CASE WHEN queue.paused_until <= clock_timestamp() THEN NULL ELSE queue.paused_until END AS "paused_until?",
    queue.slots, queue.rate, extract(epoch FROM queue.rate_period)::double precision AS rate_period,
    extract(epoch FROM queue.retention)::double precision AS retention,
    (
        SELECT count(*)
        FROM (SELECT FROM mindflight.ready WHERE ready.queue = queue.id LIMIT (SELECT number FROM most)) AS waiting
    ) AS "queued!",
    (SELECT number FROM at_work WHERE at_work.queue = queue.id) AS running,
    (SELECT number FROM later WHERE later.queue = queue.id) AS scheduled,
    (SELECT number FROM limited WHERE limited.queue = queue.id) AS blocked,
    (
        SELECT floor(extract(epoch FROM statement_timestamp() - job.created_at) * 1000)::bigint
        FROM (
            SELECT ready.id
            FROM mindflight.ready
            WHERE ready.queue = queue.id
            ORDER BY ready.lane, ready.id
            LIMIT 1
        ) AS first
        CROSS JOIN LATERAL (
            SELECT job.created_at
            FROM mindflight.job
            WHERE job.id = first.id
            LIMIT 1
        ) AS job
    ) AS oldest_ms,
    (
        SELECT count(*)
        FROM mindflight.worker
        WHERE NOT worker.stopping
            AND worker.beat_at > statement_timestamp() - $2::double precision * interval '1 second'
            AND EXISTS (
                SELECT
                FROM mindflight.queue_kind
                WHERE queue_kind.queue = queue.id
                    AND queue_kind.kind = ANY (worker.kinds)
            )
    ) AS "workers!"
FROM mindflight.queue
WHERE $1::text IS NULL
    OR queue.name = $1
ORDER BY queue.name
LIMIT 1000
