WITH done AS (
    DELETE FROM mindflight.lease
    USING unnest(
        $1::uuid[], $2::bigint[], $3::smallint[], $4::smallint[], $5::double precision[], $6::jsonb[]
    ) AS given (id, worker, attempt, ended, delay, error)
    WHERE lease.id = given.id
        AND lease.id = ANY ($1)
        AND lease.worker = given.worker
        AND lease.attempt = given.attempt
    RETURNING lease.*, given.ended, given.delay, given.error
),
noted AS (
    INSERT INTO mindflight.attempt (job, attempt, ended, worker, started_at, error)
    SELECT id, attempt, ended, worker, claimed_at, error
    FROM done
),
later AS (
    INSERT INTO mindflight.scheduled
        (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
    SELECT id, clock_timestamp() + delay * interval '1 second', CASE ended WHEN 0 THEN 1 ELSE 2 END,
        queue, lane, kind, attempt, crashes, max_attempts + CASE ended WHEN 0 THEN 0 ELSE 1 END, is_unique, gate,
        outer_gate, is_awaited
    FROM done
    WHERE delay IS NOT NULL
),
now AS (
    INSERT INTO mindflight.ready
        (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
    SELECT queue, lane, id, kind, attempt, crashes, max_attempts + 1, is_unique, gate, outer_gate, is_awaited
    FROM done
    WHERE delay IS NULL
)
SELECT id AS "id!", is_unique AS "is_unique!", gate, outer_gate, queue AS "queue!", delay IS NULL AS "is_ready!"
FROM done
