-- Runs those of the jobs $1 now that have failed, were cancelled or are not due; others are left as they are, and so
-- are jobs of the kind $2, and all whose unique key, limit or dependents have to be looked at one by one.
-- $3: the error code of jobs that ended because they were running whenever workers died.
WITH body AS MATERIALIZED (
    SELECT job.id, job.kind, job.queue, job.priority, job.max_attempts
    FROM unnest($1::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT job.id, job.kind, job.queue, job.priority, job.max_attempts, job.meta
        FROM mindflight.job
        WHERE job.id = wanted.id
        LIMIT 1
    ) AS job
    WHERE job.kind IS DISTINCT FROM $2::integer
        AND NOT coalesce(job.meta ?| ARRAY['key', 'unique_key', 'gate', 'outer_gate'], false)
        AND NOT EXISTS (
            SELECT
            FROM mindflight.kind
            JOIN mindflight.gate ON gate.name = kind.name
            WHERE kind.id = job.kind
        )
        AND NOT EXISTS (SELECT FROM mindflight.dependency WHERE dependency.parent = job.id)
),
first AS MATERIALIZED (
    SELECT job
    FROM mindflight.outcome
    WHERE job = ANY (ARRAY(SELECT body.id FROM body))
        AND state IN (1, 2)
    ORDER BY job
    FOR UPDATE
),
second AS MATERIALIZED (
    SELECT id
    FROM mindflight.scheduled
    WHERE id = ANY (ARRAY(SELECT body.id FROM body))
        AND why < 3
        AND gate IS NULL
        AND outer_gate IS NULL
    ORDER BY id
    FOR UPDATE
),
ended AS (
    DELETE FROM mindflight.outcome
    WHERE job = ANY (ARRAY(SELECT first.job FROM first))
    RETURNING job, state, attempt, worker, started_at, finished_at, error
),
noted AS (
    INSERT INTO mindflight.attempt (job, attempt, ended, worker, started_at, finished_at, error)
    SELECT ended.job, ended.attempt, CASE ended.state WHEN 1 THEN 0 ELSE 4 END, ended.worker,
        ended.started_at, ended.finished_at, ended.error
    FROM ended
    WHERE ended.attempt > 0
        AND NOT EXISTS (
            SELECT
            FROM mindflight.attempt
            WHERE attempt.job = ended.job
                AND attempt.attempt = ended.attempt
        )
),
wishes AS (
    DELETE FROM mindflight.cancel_request
    WHERE job = ANY (ARRAY(SELECT ended.job FROM ended))
),
back AS (
    INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique)
    SELECT body.queue, CASE WHEN ended.error ->> 'code' = $3 THEN 10 ELSE body.priority END, body.id, body.kind,
        ended.attempt, 0, least(ended.attempt::integer + body.max_attempts, 32767), false
    FROM ended
    JOIN body ON body.id = ended.job
    RETURNING id, queue
),
early AS (
    DELETE FROM mindflight.scheduled
    WHERE id = ANY (ARRAY(SELECT second.id FROM second))
    RETURNING queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited
),
waiting AS (
    INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
    SELECT queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited
    FROM early
    RETURNING id, queue
)
SELECT id AS "id!", queue AS "queue!"
FROM back
UNION ALL
SELECT id, queue
FROM waiting
