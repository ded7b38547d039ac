-- Jobs ($1) with all that is known about them now, newest first. One statement, so one snapshot: each job is in
-- one place. $2: how long ago a live worker has said so at most, in seconds. $3: whether attempts and the place
-- in the queue are wanted, too. States are the places of `JobState::ALL`.
-- Lanes are joined, not compared with ANY: that would look at all of the queue. Each LIMIT 1 keeps the planner from joining whole tables.
SELECT job.id AS "id!", kind.name AS "kind!", queue.id AS "queue_id!", queue.name AS "queue!",
    queue.paused_at, queue.paused_by, queue.pause_reason,
    job.priority AS "priority!", job.args AS "args!: Value", job.meta AS "meta: Value",
    place.state AS "state!", coalesce(place.lane = 10, false) AS "runs_alone!", place.attempt AS "attempt!",
    greatest(place.max_attempts, place.attempt, job.max_attempts) AS "max_attempts!",
    place.run_at AS "run_at?", coalesce(place.why = 2, false) AS "is_put_off!", place.worker AS "worker?",
    coalesce(place.started_at, newest.started_at) AS "started_at?",
    place.finished_at AS "finished_at?", place.result AS "result?: Value",
    coalesce(place.error, failed.error) AS "error?: Value",
    (SELECT host FROM mindflight.worker WHERE worker.id = place.worker) AS host,
    CASE WHEN place.state IN (1, 2) THEN (
        SELECT count(*)
        FROM mindflight.worker
        WHERE job.kind = ANY (worker.kinds)
            AND NOT worker.stopping
            AND worker.beat_at > statement_timestamp() - $2::double precision * interval '1 second'
    ) END AS kind_workers,
    CASE WHEN place.state = 2 THEN gate.name END AS "gate?",
    gate.slots AS "gate_slots?",
    CASE WHEN place.state = 2 THEN
        (SELECT count(*) FROM mindflight.ready WHERE ready.gate = place.gate)
        + (SELECT count(*) FROM mindflight.lease WHERE lease.gate = place.gate)
    END AS gate_used,
    CASE WHEN $3::boolean AND place.state = 1 THEN (
        SELECT count(*)
        FROM (
            SELECT
            FROM mindflight.ready
            WHERE ready.queue = job.queue
                AND (ready.lane, ready.id) < (place.lane, job.id)
            LIMIT 1000
        ) AS ahead
    ) END AS ahead,
    place.state = 3 AND EXISTS (SELECT FROM mindflight.cancel_request WHERE cancel_request.job = job.id)
        AS "cancel_requested!",
    (SELECT progress.progress FROM mindflight.progress WHERE progress.job = job.id) AS "progress?: Value",
    CASE WHEN $3 THEN (
        SELECT coalesce(json_agg(
            json_build_array(
                tried.attempt, tried.ended, tried.worker, tried.started_at, tried.finished_at, tried.error
            )
            ORDER BY tried.attempt, tried.finished_at
        ), '[]')
        FROM (
            SELECT attempt.attempt, attempt.ended, attempt.worker, attempt.started_at, attempt.finished_at,
                attempt.error
            FROM mindflight.attempt
            WHERE attempt.job = job.id
            ORDER BY attempt.attempt DESC
            LIMIT 1000
        ) AS tried
    ) END AS "attempts?: Value",
    statement_timestamp() AS "now!"
FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (
    SELECT job.id, job.kind, job.queue, job.priority, job.max_attempts, job.args, job.meta
    FROM mindflight.job
    WHERE job.id = wanted.id
    LIMIT 1
) AS job
CROSS JOIN LATERAL (
    SELECT found.*
    FROM (
        SELECT 1::smallint AS state, ready.lane, attempt, max_attempts, gate, NULL::smallint AS why,
            NULL::timestamptz AS run_at, NULL::bigint AS worker, NULL::timestamptz AS started_at,
            NULL::timestamptz AS finished_at, NULL::json AS result, NULL::jsonb AS error
        FROM unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
        JOIN mindflight.ready ON ready.queue = job.queue
            AND ready.lane = own.lane
            AND ready.id = job.id
        UNION ALL
        SELECT CASE why WHEN 0 THEN 0 ELSE 4 END, lane, attempt, max_attempts, gate, why,
            run_at, NULL, NULL, NULL, NULL, NULL
        FROM mindflight.scheduled
        WHERE scheduled.id = job.id
        UNION ALL
        SELECT 2, lane, attempt, max_attempts, gate, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM mindflight.blocked
        WHERE blocked.id = job.id
        UNION ALL
        SELECT 3, lane, attempt, max_attempts, gate, NULL, NULL, worker, claimed_at, NULL, NULL, NULL
        FROM mindflight.lease
        WHERE lease.id = job.id
        UNION ALL
        SELECT 5 + outcome.state, NULL, attempt, NULL, NULL, NULL, NULL, worker, started_at, finished_at, result, error
        FROM mindflight.outcome
        WHERE outcome.job = job.id
    ) AS found
    LIMIT 1
) AS place
JOIN mindflight.kind ON kind.id = job.kind
JOIN mindflight.queue ON queue.id = job.queue
LEFT JOIN mindflight.gate ON gate.id = place.gate
LEFT JOIN LATERAL (
    SELECT attempt.started_at
    FROM mindflight.attempt
    WHERE attempt.job = job.id
    ORDER BY attempt.attempt DESC
    LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT attempt.error
    FROM mindflight.attempt
    WHERE attempt.job = job.id
        AND attempt.ended IN (0, 2)
        AND place.state <> 5
    ORDER BY attempt.attempt DESC
    LIMIT 1
) AS failed ON true
ORDER BY job.id DESC
