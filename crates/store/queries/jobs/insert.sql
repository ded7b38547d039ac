WITH made AS MATERIALIZED (
    SELECT id, kind, queue, priority, max_attempts, args::json AS args, meta, inline, is_unique, is_awaited, waits,
        gate, outer_gate, coalesce(clock_timestamp() + delay * interval '1 second', run_at) AS run_at
    FROM unnest(
        $1::uuid[], $2::integer[], $3::smallint[], $4::smallint[], $5::smallint[], $6::text[], $7::jsonb[],
        $8::boolean[], $9::boolean[], $10::boolean[], $11::boolean[], $12::integer[], $13::integer[],
        $14::double precision[], $15::timestamptz[]
    ) AS row (
        id, kind, queue, priority, max_attempts, args, meta, inline, is_unique, is_awaited, waits, gate, outer_gate,
        delay, run_at
    )
),
placed AS MATERIALIZED (
    SELECT made.*, NOT waits AND (run_at IS NULL OR run_at <= clock_timestamp()) AS is_due
    FROM made
),
bodies AS (
    INSERT INTO mindflight.job (id, kind, queue, priority, max_attempts, args, meta)
    SELECT id, kind, queue, priority, max_attempts, args, meta
    FROM placed
),
later AS (
    INSERT INTO mindflight.scheduled
        (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate)
    -- What waits for other jobs has no time: one that never comes.
    SELECT id, CASE WHEN waits THEN '9999-12-31Z' ELSE run_at END, CASE WHEN waits THEN 3 ELSE 0 END, queue,
        priority, kind, 0, 0, max_attempts, is_unique, is_awaited, gate, outer_gate
    FROM placed
    WHERE NOT is_due
),
limited AS (
    INSERT INTO mindflight.blocked
        (gate, outer_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
    SELECT gate, outer_gate, priority, id, queue, kind, 0, 0, max_attempts, is_unique, is_awaited
    FROM placed
    WHERE is_due
        AND gate IS NOT NULL
)
INSERT INTO mindflight.ready
    (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, is_awaited, args)
SELECT queue, priority, id, kind, 0, 0, max_attempts, is_unique, is_awaited, CASE WHEN inline THEN args END
FROM placed
WHERE is_due
    AND gate IS NULL
