-- Stops those of the jobs $1 that wait for a worker or for their time, with the error $2; others are left as they are,
-- and so are jobs of the kind $3, those that take part in a limit, and those that another job waits for.
-- Rows are locked in the order of their ids, so that two who do this do not wait for each other. Arrays, places and
-- LIMIT 1 instead of joins: a plan made while a table was empty must not read all of a full one for each job.
WITH body AS MATERIALIZED (
    SELECT job.id, job.queue, job.priority
    FROM unnest($1::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT job.id, job.kind, job.queue, job.priority
        FROM mindflight.job
        WHERE job.id = wanted.id
        LIMIT 1
    ) AS job
    WHERE job.kind IS DISTINCT FROM $3::integer
    ORDER BY job.id
),
first AS MATERIALIZED (
    SELECT waits.place
    FROM body
    CROSS JOIN LATERAL unnest(ARRAY[body.priority, 10::smallint]) AS own (lane)
    CROSS JOIN LATERAL (
        SELECT ready.ctid AS place
        FROM mindflight.ready
        WHERE ready.queue = body.queue
            AND ready.lane = own.lane
            AND ready.id = body.id
            AND ready.gate IS NULL
            AND ready.outer_gate IS NULL
            AND NOT ready.is_awaited
        LIMIT 1
        FOR UPDATE
    ) AS waits
),
second AS MATERIALIZED (
    SELECT id
    FROM mindflight.scheduled
    WHERE id = ANY (ARRAY(SELECT body.id FROM body))
        AND why < 3
        AND NOT is_awaited
    ORDER BY id
    FOR UPDATE
),
waiting AS (
    DELETE FROM mindflight.ready
    WHERE ctid = ANY (ARRAY(SELECT first.place FROM first))
    RETURNING id, kind, queue, attempt
),
later AS (
    DELETE FROM mindflight.scheduled
    WHERE id = ANY (ARRAY(SELECT second.id FROM second))
    RETURNING id, kind, queue, attempt
),
stopped AS (
    SELECT id, kind, queue, attempt FROM waiting
    UNION ALL
    SELECT id, kind, queue, attempt FROM later
),
noted AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, error)
    SELECT stopped.id, 2, stopped.kind, stopped.queue, stopped.attempt, $2::jsonb
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
    WHERE job = ANY (ARRAY(SELECT stopped.id FROM stopped))
        AND expires_at IS NULL
),
wishes AS (
    DELETE FROM mindflight.cancel_request
    WHERE job = ANY (ARRAY(SELECT stopped.id FROM stopped))
)
SELECT stopped.id AS "id!", queue.keeps_history
FROM stopped
JOIN mindflight.queue ON queue.id = stopped.queue
