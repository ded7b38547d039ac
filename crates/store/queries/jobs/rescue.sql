WITH gone AS (
    DELETE FROM mindflight.lease
    -- Whoever ends one of them just now may do so: waiting for each other would help nobody.
    WHERE id = ANY (ARRAY(
        SELECT id
        FROM mindflight.lease
        WHERE NOT EXISTS (SELECT FROM mindflight.worker WHERE worker.id = lease.worker)
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING *
),
judged AS MATERIALIZED (
    SELECT gone.*, gone.crashes + CASE WHEN company.jobs = 1 THEN $1::smallint ELSE 1 END AS charged,
        company.jobs = 1 AS was_alone,
        EXISTS (SELECT FROM mindflight.cancel_request WHERE job = gone.id) AS is_cancelled,
        (SELECT job.max_attempts FROM mindflight.job WHERE job.id = gone.id LIMIT 1) AS allowed
    FROM gone
    JOIN (
        SELECT worker, count(*) AS jobs
        FROM mindflight.lease
        WHERE worker IN (SELECT worker FROM gone)
        GROUP BY worker
    ) AS company ON company.worker = gone.worker
),
decided AS MATERIALIZED (
    SELECT judged.*, NOT is_cancelled
        AND charged < $2
        AND allowed > 1
        AND (NOT was_alone OR attempt < max_attempts) AS runs_again
    FROM judged
),
noted AS (
    INSERT INTO mindflight.attempt (job, attempt, ended, worker, started_at, error)
    SELECT id, attempt, 2, worker, claimed_at, $3
    FROM decided
    WHERE runs_again
),
ended AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, worker, started_at, error)
    SELECT id, CASE WHEN is_cancelled THEN 2 ELSE 1 END, kind, queue, attempt, worker, claimed_at,
        CASE WHEN is_cancelled THEN $4::jsonb ELSE $3::jsonb END
    FROM decided
    WHERE NOT runs_again
),
told AS (
    INSERT INTO mindflight.event (type, source, count, data)
    SELECT 'mindflight.job', 'mindflight', count(*), json_build_object(
        'job', array_agg(id), 'kind', array_agg(kind), 'queue', array_agg(queue),
        'state', array_agg(CASE WHEN is_cancelled THEN 2 ELSE 1 END), 'attempt', array_agg(attempt),
        'error', array_agg(CASE WHEN is_cancelled THEN $4::jsonb ELSE $3::jsonb END ->> 'code')
    )
    FROM decided
    WHERE NOT runs_again
    HAVING count(*) > 0
),
again AS (
    -- Most crashes are no job's fault: the first one in company is nobody's.
    INSERT INTO mindflight.ready
        (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
    SELECT queue, CASE WHEN was_alone OR charged > 1 THEN $5 ELSE lane END, id, kind, attempt, charged,
        max_attempts + CASE WHEN was_alone THEN 0 ELSE 1 END,
        is_unique, gate, outer_gate, is_awaited
    FROM decided
    WHERE runs_again
)
SELECT id AS "id!", kind AS "kind!", queue AS "queue!", gate, outer_gate, is_unique AS "is_unique!",
    is_awaited AS "is_awaited!", is_cancelled AS "is_cancelled!", runs_again AS "runs_again!"
FROM decided
