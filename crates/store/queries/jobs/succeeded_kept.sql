-- Attempts $3 of worker $1 at jobs $2 have succeeded with results $4, or all with $5 where there are none. Gives how
-- many were ended.
WITH done AS (
    DELETE FROM mindflight.lease
    USING unnest($2::uuid[], $3::smallint[], $4::text[]) AS given (id, attempt, result)
    WHERE lease.id = given.id
        AND lease.worker = $1
        AND lease.attempt = given.attempt
        AND NOT lease.is_awaited
    RETURNING lease.id, lease.kind, lease.queue, lease.attempt, lease.claimed_at, given.result
),
kept AS (
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt, worker, started_at, result)
    SELECT id, 0, kind, queue, attempt, $1, claimed_at, coalesce(result, $5)::json
    FROM done
),
told AS (
    INSERT INTO mindflight.event (type, source, count, jobs, data)
    SELECT 'mindflight.job', 'mindflight', count(*), array_agg(id), json_build_object(
        'kind', CASE WHEN min(kind) = max(kind) THEN to_json(min(kind)) ELSE to_json(array_agg(kind)) END,
        'queue', CASE WHEN min(queue) = max(queue) THEN to_json(min(queue)) ELSE to_json(array_agg(queue)) END,
        'state', 0,
        'attempt', CASE
            WHEN min(attempt) = max(attempt) THEN to_json(min(attempt)) ELSE to_json(array_agg(attempt))
        END
    )
    FROM done
    HAVING count(*) > 0
)
SELECT count(*) AS "count!"
FROM done
