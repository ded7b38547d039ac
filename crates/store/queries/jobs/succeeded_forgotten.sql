-- Attempt $3 of worker $1 at each of the jobs $2 has succeeded, and nothing is kept of them. They are between $4 and $5,
-- so that only the partitions of those are looked at. Gives how many were ended.
WITH done AS (
    DELETE FROM mindflight.lease
    WHERE id = ANY ($2::uuid[])
        AND worker = $1
        AND attempt = $3
        AND NOT is_awaited
    RETURNING id, kind, queue
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
        'attempt', $3
    )
    FROM done
    HAVING count(*) > 0
)
SELECT count(*) AS "count!"
FROM done
