-- Every queue, or the one called $1. Its jobs that are not due and those that wait for a limit are found among the
-- first 100,000 of all queues. $2: how long ago a live worker has said so at most, in seconds.
WITH later AS MATERIALIZED (
    SELECT queue, least(count(*), 10000) AS number
    FROM (SELECT queue FROM mindflight.scheduled LIMIT 100000) AS jobs
    GROUP BY queue
),
limited AS MATERIALIZED (
    SELECT queue, least(count(*), 10000) AS number
    FROM (SELECT queue FROM mindflight.blocked LIMIT 100000) AS jobs
    GROUP BY queue
),
at_work AS MATERIALIZED (
    SELECT queue, count(*) AS number
    FROM mindflight.lease
    GROUP BY queue
)
SELECT queue.name, queue.keeps_history, queue.paused_at, queue.paused_by, queue.pause_reason,
    (
        SELECT count(*)
        FROM (SELECT FROM mindflight.ready WHERE ready.queue = queue.id LIMIT 10000) AS waiting
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
