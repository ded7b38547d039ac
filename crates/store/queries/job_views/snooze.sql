-- Has the job $1 wait until the time $2, or else for $3 from now, if it does not run, has not ended, and waits for no
-- other job. Gives the gates of which it used a slot.
WITH waiting AS (
    DELETE FROM mindflight.ready
    USING (
        SELECT job.queue, own.lane
        FROM mindflight.job
        CROSS JOIN unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
        WHERE job.id = $1
    ) AS body
    WHERE ready.queue = body.queue
        AND ready.lane = body.lane
        AND ready.id = $1
    RETURNING ready.id, ready.queue, ready.lane, ready.kind, ready.attempt, ready.crashes, ready.max_attempts,
        ready.is_unique, ready.is_awaited, ready.gate, ready.outer_gate
),
later AS (
    DELETE FROM mindflight.scheduled
    WHERE id = $1
        AND why < 3
    RETURNING id, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate
),
limited AS (
    DELETE FROM mindflight.blocked
    WHERE id = $1
    RETURNING id, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate, inner_gate
),
moved AS (
    SELECT id, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate,
        array_remove(ARRAY[gate, outer_gate], NULL) AS used
    FROM waiting
    UNION ALL
    SELECT id, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate, '{}'
    FROM later
    UNION ALL
    -- It passes the gates anew.
    SELECT id, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited,
        coalesce(inner_gate, gate), CASE WHEN inner_gate IS NULL THEN outer_gate ELSE gate END,
        array_remove(ARRAY[inner_gate], NULL)
    FROM limited
),
put_off AS (
    INSERT INTO mindflight.scheduled
        (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate)
    SELECT id, coalesce($2::timestamptz, clock_timestamp() + $3::interval), CASE WHEN attempt = 0 THEN 0 ELSE 2 END,
        queue, lane, kind, attempt, crashes, max_attempts, is_unique, is_awaited, gate, outer_gate
    FROM moved
)
SELECT used AS "used!"
FROM moved
