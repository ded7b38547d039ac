-- Jobs ($1) with all that is known about them now, newest first. One statement, so one snapshot: each job is in
-- one place. $2: how long ago a live worker has said so at most, in seconds. $3: whether attempts and the place
-- in the queue are wanted, too. States are the places of `JobState::ALL`.
-- Lanes are joined, not compared with ANY: that would look at all of the queue. Each LIMIT 1 keeps the planner from joining whole tables.
SELECT job.id AS "id!", kind.name AS "kind!", queue.id AS "queue_id!", queue.name AS "queue!",
    CASE WHEN queue.paused_until <= clock_timestamp() THEN NULL ELSE queue.paused_at END AS "paused_at?",
    queue.paused_by, queue.pause_reason, queue.paused_until,
    job.priority AS "priority!", job.args AS "args!: Value", job.meta AS "meta: Value",
    place.state AS "state!", coalesce(place.lane = 10, false) AS "runs_alone!", place.attempt AS "attempt!",
    greatest(place.max_attempts, place.attempt, job.max_attempts) AS "max_attempts!",
    place.run_at AS "run_at?", coalesce(place.why = 2, false) AS "is_put_off!", place.worker AS "worker?",
    coalesce(place.started_at, newest.started_at) AS "started_at?",
    place.finished_at AS "finished_at?", place.result AS "result?: Value",
    coalesce(place.error, failed.error) AS "error?: Value", place.fingerprint AS "fingerprint?",
    (SELECT host FROM mindflight.worker WHERE worker.id = place.worker) AS host,
    CASE WHEN place.state IN (1, 2) THEN (
        SELECT count(*)
        FROM mindflight.worker
        WHERE job.kind = ANY (worker.kinds)
            AND NOT worker.stopping
            AND worker.beat_at > statement_timestamp() - $2::double precision * interval '1 second'
    ) END AS kind_workers,
    held.name AS "gate?", held.is_queue AS "gate_is_queue?", held.slots AS "gate_slots?", held.used AS "gate_used?",
    held.rate AS "gate_rate?", extract(epoch FROM held.rate_period)::double precision AS "gate_period?",
    held.wakes_at AS "gate_wakes_at?",
    CASE WHEN place.why = 3 THEN (
        SELECT json_build_array(count(*) FILTER (WHERE job_there AND NOT has_ended), count(*))
        FROM (
            SELECT EXISTS (SELECT FROM mindflight.job AS body WHERE body.id = dependency.parent) AS job_there,
                EXISTS (SELECT FROM mindflight.outcome WHERE outcome.job = dependency.parent) AS has_ended
            FROM mindflight.dependency
            WHERE dependency.job = job.id
        ) AS awaited
    ) END AS "waits?: Value",
    CASE WHEN $3::boolean THEN (
        SELECT json_agg(json_build_array(dependency.parent, parent.state) ORDER BY dependency.place)
        FROM mindflight.dependency
        LEFT JOIN LATERAL (
            SELECT found.state
            FROM (
                SELECT 5 + outcome.state AS state
                FROM mindflight.outcome
                WHERE outcome.job = dependency.parent
                UNION ALL
                SELECT 3
                FROM mindflight.lease
                WHERE lease.id = dependency.parent
                UNION ALL
                SELECT CASE scheduled.why WHEN 0 THEN 0 WHEN 3 THEN 2 ELSE 4 END
                FROM mindflight.scheduled
                WHERE scheduled.id = dependency.parent
                UNION ALL
                SELECT 2
                FROM mindflight.blocked
                WHERE blocked.id = dependency.parent
                UNION ALL
                SELECT 1
                FROM mindflight.job AS body
                CROSS JOIN unnest(ARRAY[body.priority, 10::smallint]) AS own (lane)
                JOIN mindflight.ready ON ready.queue = body.queue
                    AND ready.lane = own.lane
                    AND ready.id = body.id
                WHERE body.id = dependency.parent
            ) AS found
            LIMIT 1
        ) AS parent ON true
        WHERE dependency.job = job.id
    ) END AS "after?: Value",
    CASE WHEN $3 THEN ARRAY(
        SELECT dependency.job
        FROM mindflight.dependency
        WHERE dependency.parent = job.id
        ORDER BY dependency.job
        LIMIT 100
    ) END AS "then?",
    CASE WHEN $3 AND place.state = 1 THEN (
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
            NULL::timestamptz AS finished_at, NULL::json AS result, NULL::jsonb AS error, NULL::bigint AS fingerprint
        FROM unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
        JOIN mindflight.ready ON ready.queue = job.queue
            AND ready.lane = own.lane
            AND ready.id = job.id
        UNION ALL
        SELECT CASE why WHEN 0 THEN 0 WHEN 3 THEN 2 ELSE 4 END, lane, attempt, max_attempts, gate, why,
            CASE WHEN why <> 3 THEN run_at END, NULL, NULL, NULL, NULL, NULL, NULL
        FROM mindflight.scheduled
        WHERE scheduled.id = job.id
        UNION ALL
        SELECT 2, lane, attempt, max_attempts, gate, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        FROM mindflight.blocked
        WHERE blocked.id = job.id
        UNION ALL
        SELECT 3, lane, attempt, max_attempts, gate, NULL, NULL, worker, claimed_at, NULL, NULL, NULL, NULL
        FROM mindflight.lease
        WHERE lease.id = job.id
        UNION ALL
        SELECT 5 + outcome.state, NULL, attempt, NULL, NULL, NULL, NULL, worker, started_at, finished_at, result, error,
            fingerprint
        FROM mindflight.outcome
        WHERE outcome.job = job.id
    ) AS found
    LIMIT 1
) AS place
JOIN mindflight.kind ON kind.id = job.kind
JOIN mindflight.queue ON queue.id = job.queue
LEFT JOIN LATERAL (
    SELECT gate.name, false AS is_queue, gate.slots, gate.rate, gate.rate_period, gate.wakes_at,
        (SELECT count(*) FROM mindflight.ready WHERE ready.gate = gate.id)
        + (SELECT count(*) FROM mindflight.ready WHERE ready.outer_gate = gate.id)
        + (SELECT count(*) FROM mindflight.lease WHERE lease.gate = gate.id)
        + (SELECT count(*) FROM mindflight.lease WHERE lease.outer_gate = gate.id)
        + (SELECT count(*) FROM mindflight.blocked WHERE blocked.inner_gate = gate.id) AS used
    FROM mindflight.gate
    WHERE place.state = 2
        AND gate.id = place.gate
    UNION ALL
    SELECT queue.name, true, queue.slots, queue.rate, queue.rate_period,
        statement_timestamp() + greatest(1 - filled.tokens, 0) * queue.rate_period / queue.rate, running.number
    FROM (SELECT count(*) AS number FROM mindflight.lease WHERE lease.queue = queue.id) AS running
    CROSS JOIN (
        SELECT least(queue.rate, queue.tokens + queue.rate
            * greatest(0, extract(epoch FROM statement_timestamp() - queue.tokens_at))
            / extract(epoch FROM queue.rate_period)) AS tokens
    ) AS filled
    WHERE $3
        AND place.state = 1
        AND (queue.slots IS NOT NULL OR queue.rate IS NOT NULL)
        AND (running.number >= queue.slots OR filled.tokens < 0.999)
) AS held ON true
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
