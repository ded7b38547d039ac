-- Cancels jobs $1 that wait for others, each with its error of $2. They have never run.
WITH stopped AS MATERIALIZED (
    SELECT scheduled.id, scheduled.kind, scheduled.queue, scheduled.attempt, scheduled.is_unique, scheduled.is_awaited,
        given.error, queue.keeps_history OR scheduled.is_awaited AS is_kept
    FROM unnest($1::uuid[], $2::jsonb[]) AS given (id, error)
    JOIN mindflight.scheduled ON scheduled.id = given.id
    JOIN mindflight.queue ON queue.id = scheduled.queue
    WHERE scheduled.why = 3
),
taken AS (
    DELETE FROM mindflight.scheduled
    WHERE id IN (SELECT id FROM stopped)
),
noted AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, error)
    SELECT id, 2, kind, queue, attempt, error
    FROM stopped
    WHERE is_kept
),
told AS (
    INSERT INTO mindflight.event (type, source, count, data)
    SELECT 'mindflight.job', 'mindflight', count(*), json_build_object(
        'job', array_agg(id), 'kind', array_agg(kind), 'queue', array_agg(queue),
        'state', array_agg(2), 'attempt', array_agg(attempt), 'error', array_agg(error ->> 'code')
    )
    FROM stopped
    HAVING count(*) > 0
),
wishes AS (
    DELETE FROM mindflight.cancel_request
    WHERE job IN (SELECT id FROM stopped)
),
gone AS (
    DELETE FROM mindflight.job
    WHERE id = ANY (ARRAY(SELECT id FROM stopped WHERE NOT is_kept))
),
links AS (
    DELETE FROM mindflight.dependency
    WHERE job = ANY (ARRAY(SELECT id FROM stopped WHERE NOT is_kept))
)
SELECT id AS "id!", is_unique AS "is_unique!", is_awaited AS "is_awaited!"
FROM stopped
