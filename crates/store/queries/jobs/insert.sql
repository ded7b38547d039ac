WITH made AS MATERIALIZED (
    SELECT id, kind, queue, priority, max_attempts, args::json AS args, meta, inline, is_unique, gate,
        coalesce(clock_timestamp() + delay * interval '1 second', run_at) AS run_at
    FROM unnest(
        $1::uuid[], $2::integer[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[], $7::jsonb[],
        $8::boolean[], $9::boolean[], $10::integer[], $11::double precision[], $12::timestamptz[]
    ) AS row (id, kind, queue, priority, max_attempts, args, meta, inline, is_unique, gate, delay, run_at)
),
placed AS MATERIALIZED (
    SELECT made.*, run_at IS NULL OR run_at <= clock_timestamp() AS is_due
    FROM made
),
bodies AS (
    INSERT INTO mindflight.job (id, kind, queue, priority, max_attempts, args, meta)
    SELECT id, kind, queue, priority, max_attempts, args, meta
    FROM placed
),
later AS (
    INSERT INTO mindflight.scheduled
        (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique, gate)
    SELECT id, run_at, 0, queue, priority, kind, 0, 0, max_attempts, is_unique, gate
    FROM placed
    WHERE NOT is_due
),
limited AS (
    INSERT INTO mindflight.blocked
        (gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique)
    SELECT gate, priority, id, queue, kind, 0, 0, max_attempts, is_unique
    FROM placed
    WHERE is_due
        AND gate IS NOT NULL
)
INSERT INTO mindflight.ready
    (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate, args)
SELECT queue, priority, id, kind, 0, 0, max_attempts, is_unique, gate, CASE WHEN inline THEN args END
FROM placed
WHERE is_due
    AND gate IS NULL
