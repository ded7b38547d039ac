-- Attempts $3 of worker $1 at jobs $2 have succeeded, of which nothing is kept. The jobs are between $4 and $5, so
-- that only the partitions of those are looked at. Gives how many were ended.
WITH done AS (
    DELETE FROM mindflight.lease
    USING unnest($2::uuid[], $3::smallint[]) AS given (id, attempt)
    WHERE lease.id = given.id
        AND lease.worker = $1
        AND lease.attempt = given.attempt
        AND NOT lease.is_awaited
    RETURNING lease.id, lease.kind, lease.queue, lease.attempt
),
gone AS (
    DELETE FROM mindflight.job
    WHERE id = ANY (ARRAY(SELECT id FROM done))
        AND id BETWEEN $4 AND $5
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
