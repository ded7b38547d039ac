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
    RETURNING ready.id, ready.kind, ready.queue, ready.attempt, ready.gate
),
later AS (
    DELETE FROM mindflight.scheduled
    WHERE id = $1
    RETURNING id, kind, queue, attempt
),
limited AS (
    DELETE FROM mindflight.blocked
    WHERE id = $1
    RETURNING id, kind, queue, attempt
),
stopped AS (
    SELECT id, kind, queue, attempt, gate FROM waiting
    UNION ALL
    SELECT id, kind, queue, attempt, NULL FROM later
    UNION ALL
    SELECT id, kind, queue, attempt, NULL FROM limited
),
noted AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, error)
    SELECT stopped.id, 2, stopped.kind, stopped.queue, stopped.attempt, $2
    FROM stopped
    JOIN mindflight.queue ON queue.id = stopped.queue
    WHERE queue.keeps_history
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
),
wishes AS (
    DELETE FROM mindflight.cancel_request
    WHERE job IN (SELECT id FROM stopped)
)
SELECT stopped.gate, queue.keeps_history
FROM stopped
JOIN mindflight.queue ON queue.id = stopped.queue
