-- Makes jobs that nothing holds back, and gives them to worker $9 at once instead of having them wait, if it lives
-- and none of the queues $10 is paused or limited; otherwise they wait as all do. Gives those that were given.
WITH made AS MATERIALIZED (
    SELECT id, kind, queue, priority, max_attempts, args::json AS args, meta, inline
    FROM unnest(
        $1::uuid[], $2::integer[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[], $7::jsonb[],
        $8::boolean[]
    ) AS row (id, kind, queue, priority, max_attempts, args, meta, inline)
),
may AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM mindflight.worker WHERE worker.id = $9 AND NOT worker.stopping)
        AND NOT EXISTS (
            SELECT
            FROM mindflight.queue
            WHERE queue.id = ANY ($10::smallint[])
                AND (
                    queue.slots IS NOT NULL
                    OR queue.rate IS NOT NULL
                    OR (queue.paused_at IS NOT NULL AND (queue.paused_until > clock_timestamp()) IS NOT FALSE)
                )
        ) AS start
),
bodies AS (
    INSERT INTO mindflight.job (id, kind, queue, priority, max_attempts, args, meta)
    SELECT id, kind, queue, priority, max_attempts, args, meta
    FROM made
),
waiting AS (
    INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, args)
    SELECT queue, priority, id, kind, 0, 0, max_attempts, false, CASE WHEN inline THEN args END
    FROM made
    WHERE NOT (SELECT start FROM may)
)
INSERT INTO mindflight.lease (id, worker, queue, lane, kind, attempt, crashes, max_attempts, is_unique)
SELECT id, $9, queue, priority, kind, 1, 0, max_attempts, false
FROM made
WHERE (SELECT start FROM may)
RETURNING id, claimed_at
