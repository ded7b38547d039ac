WITH pick AS MATERIALIZED (
    SELECT ctid AS place
    FROM mindflight.ready
    WHERE queue = $1
        AND (lane, id) > ($2, $3)
        AND lane BETWEEN $4 AND $5
        AND kind = ANY ($6)
        AND EXISTS (SELECT FROM mindflight.queue WHERE queue.id = $1
            AND (queue.paused_at IS NULL OR queue.paused_until <= clock_timestamp()))
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
SELECT id AS "id!", lane AS "lane!", kind AS "kind!", attempt + 1 AS "attempt!", max_attempts AS "max_attempts!",
    is_unique AS "is_unique!", gate IS NOT NULL AS "is_gated!", args::text AS args,
    statement_timestamp() AS "claimed_at!"
FROM took
