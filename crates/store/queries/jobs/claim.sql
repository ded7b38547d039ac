WITH pick AS MATERIALIZED (
    SELECT ctid AS place
    FROM mindflight.ready
    WHERE queue = $1
        AND (lane, id) > ($2, $3)
        AND lane BETWEEN $4 AND $5
        AND kind = ANY ($6)
        AND EXISTS (SELECT FROM mindflight.queue WHERE queue.id = $1 AND queue.paused_at IS NULL)
        AND EXISTS (SELECT FROM mindflight.worker WHERE worker.id = $8)
    ORDER BY lane, id
    LIMIT $7
    FOR UPDATE OF ready SKIP LOCKED
),
took AS (
    DELETE FROM mindflight.ready
    WHERE ctid = ANY (ARRAY(SELECT place FROM pick))
    RETURNING *
),
leased AS (
    INSERT INTO mindflight.lease
        (id, worker, queue, lane, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
    SELECT id, $8, queue, lane, kind, attempt + 1, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited
    FROM took
)
SELECT took.id AS "id!", took.lane AS "lane!", took.kind AS "kind!", took.attempt + 1 AS "attempt!",
    took.max_attempts AS "max_attempts!", took.is_unique AS "is_unique!", took.gate IS NOT NULL AS "is_gated!",
    coalesce(took.args, body.args)::text AS "args!", body.meta AS "meta?",
    statement_timestamp() AS "claimed_at!"
FROM took
LEFT JOIN LATERAL (
    SELECT job.args, job.meta
    FROM mindflight.job
    WHERE took.args IS NULL
        AND job.id = took.id
    LIMIT 1
) AS body ON true
