-- Attempt $3 of worker $1 at each of the jobs $2 has succeeded: with the results $4, texts by the jobs' ids, or all with
-- the result $5 where that is null. Gives how many were ended.
-- No join: a plan made while the table was empty would go through all leases for each job.
WITH done AS (
    DELETE FROM mindflight.lease
    WHERE id = ANY ($2::uuid[])
        AND worker = $1
        AND attempt = $3
        AND NOT is_awaited
    RETURNING id, kind, queue, claimed_at
),
kept AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, worker, started_at, result)
    SELECT id, 0, kind, queue, $3, $1, claimed_at, (CASE WHEN $4::jsonb IS NULL THEN $5 ELSE $4 ->> id::text END)::json
    FROM done
),
told AS (
    INSERT INTO mindflight.event (type, source, count, jobs, data)
    SELECT 'mindflight.job', 'mindflight', count(*), array_agg(id), json_build_object(
        'kind', CASE WHEN min(kind) = max(kind) THEN to_json(min(kind)) ELSE to_json(array_agg(kind)) END,
        'queue', CASE WHEN min(queue) = max(queue) THEN to_json(min(queue)) ELSE to_json(array_agg(queue)) END,
        'state', 0,
        'attempt', $3
    )
    FROM done
    HAVING count(*) > 0
)
SELECT count(*) AS "count!"
FROM done
