WITH waiting AS (
    DELETE FROM mindflight.ready
    USING (
        SELECT job.queue, own.lane
        FROM mindflight.job
        CROSS JOIN unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
        WHERE job.id = $1
    ) AS body
    WHERE ready.queue = body.queue
        AND ready.lane = body.lane
        AND ready.id = $1
    RETURNING ready.id, ready.kind, ready.queue, ready.attempt, ready.is_awaited, ready.gate, ready.outer_gate
),
later AS (
    DELETE FROM mindflight.scheduled
    WHERE id = $1
    RETURNING id, kind, queue, attempt, is_awaited
),
limited AS (
    DELETE FROM mindflight.blocked
    WHERE id = $1
    RETURNING id, kind, queue, attempt, is_awaited, inner_gate
),
stopped AS (
    SELECT id, kind, queue, attempt, is_awaited, gate, outer_gate FROM waiting
    UNION ALL
    SELECT id, kind, queue, attempt, is_awaited, NULL, NULL FROM later
    UNION ALL
    -- It uses a slot of the gate that it has passed.
    SELECT id, kind, queue, attempt, is_awaited, inner_gate, NULL FROM limited
),
noted AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, error)
    SELECT stopped.id, 2, stopped.kind, stopped.queue, stopped.attempt, $2
    FROM stopped
    JOIN mindflight.queue ON queue.id = stopped.queue
    WHERE queue.keeps_history
        OR stopped.is_awaited
),
told AS (
    INSERT INTO mindflight.event (type, source, count, data)
    SELECT 'mindflight.job', 'mindflight', count(*), json_build_object(
        'job', array_agg(id), 'kind', array_agg(kind), 'queue', array_agg(queue),
        'state', array_agg(2), 'attempt', array_agg(attempt), 'error', array_agg($2::jsonb ->> 'code')
    )
    FROM stopped
    HAVING count(*) > 0
),
keys AS (
    DELETE FROM mindflight.unique_key
    WHERE job IN (SELECT id FROM stopped)
        AND expires_at IS NULL
),
wishes AS (
    DELETE FROM mindflight.cancel_request
    WHERE job IN (SELECT id FROM stopped)
)
SELECT stopped.gate, stopped.outer_gate, stopped.is_awaited AS "is_awaited!",
    queue.keeps_history OR stopped.is_awaited AS "is_kept!"
FROM stopped
JOIN mindflight.queue ON queue.id = stopped.queue
