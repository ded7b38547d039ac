-- The newest jobs that fit, at most as many as there are among the next $3 candidates: those before $1 and from $2 on
-- that are in the states $4 (places of `JobState::ALL`; none: all) or among the jobs $5. Each candidate is then
-- compared with kind $6, provider $7, queue $8, tag $9, the argument at path $10 with value $11, and owner $12. $13: only those
-- that failed with this fingerprint; $4 is then the state of those alone.
-- Of each lane of each queue $14 jobs are read at most, or one statement would read $3 of every queue: where there are
-- more, the candidates end with the newest job after which a lane was not read on.
WITH queued AS MATERIALIZED (
    SELECT waiting.id, waiting.kind, waiting.queue, waiting.place
    FROM mindflight.queue
    CROSS JOIN generate_series(0, 10) AS lanes (lane)
    CROSS JOIN LATERAL (
        SELECT newest.id, newest.kind, newest.queue, row_number() OVER () AS place
        FROM (
            SELECT ready.id, ready.kind, ready.queue
            FROM mindflight.ready
            WHERE ready.queue = queue.id
                AND ready.lane = lanes.lane::smallint
                AND ready.id < $1
                AND ready.id >= $2
            ORDER BY ready.id DESC
            LIMIT $14::bigint
        ) AS newest
    ) AS waiting
    WHERE 1 = ANY ($4::smallint[])
        AND $5::uuid[] IS NULL
        AND ($8::text IS NULL OR queue.name = $8)
        -- Whatever is in a queue is of the kinds that were ever put into it.
        AND ($6::text IS NULL OR EXISTS (
            SELECT
            FROM mindflight.kind
            JOIN mindflight.queue_kind ON queue_kind.kind = kind.id
            WHERE kind.name = $6
                AND queue_kind.queue = queue.id
        ))
),
edge AS MATERIALIZED (
    SELECT coalesce((SELECT id FROM queued WHERE place = $14 ORDER BY id DESC LIMIT 1), $2::uuid) AS id
),
candidate AS MATERIALIZED (
    SELECT found.id, found.kind, found.queue, found.fits
    FROM (
        (
            SELECT job.id, job.kind, job.queue, true AS fits
            FROM mindflight.job
            WHERE cardinality($4::smallint[]) = 0
                AND $5::uuid[] IS NULL
                AND job.id < $1::uuid
                AND job.id >= $2::uuid
            ORDER BY job.id DESC
            LIMIT $3::bigint
        )
        UNION ALL
        (
            SELECT queued.id, queued.kind, queued.queue, true AS fits
            FROM queued
            ORDER BY queued.id DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT scheduled.id, scheduled.kind, scheduled.queue,
                coalesce(CASE scheduled.why WHEN 0 THEN 0 WHEN 3 THEN NULL ELSE 4 END = ANY ($4), false) AS fits
            FROM mindflight.scheduled
            WHERE $4 && '{0,4}'::smallint[]
                AND $5 IS NULL
                AND scheduled.id < $1
                AND scheduled.id >= $2
            ORDER BY scheduled.id DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT blocked.id, blocked.kind, blocked.queue, true AS fits
            FROM mindflight.blocked
            WHERE 2 = ANY ($4)
                AND $5 IS NULL
                AND blocked.id < $1
                AND blocked.id >= $2
            ORDER BY blocked.id DESC
            LIMIT $3
        )
        UNION ALL
        (
            -- What waits for others has a time that never comes.
            SELECT scheduled.id, scheduled.kind, scheduled.queue, true AS fits
            FROM mindflight.scheduled
            WHERE 2 = ANY ($4)
                AND $5 IS NULL
                AND scheduled.run_at = '9999-12-31Z'
                AND scheduled.why = 3
                AND scheduled.id < $1
                AND scheduled.id >= $2
            ORDER BY scheduled.id DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT lease.id, lease.kind, lease.queue, true AS fits
            FROM mindflight.lease
            WHERE 3 = ANY ($4)
                AND $5 IS NULL
                AND lease.id < $1
                AND lease.id >= $2
            ORDER BY lease.id DESC
            LIMIT $3
        )
        UNION ALL
        (
            -- No index has those that succeeded alone, and where most were cancelled they would be sought for long.
            SELECT outcome.job, outcome.kind, outcome.queue, outcome.state = 0
            FROM mindflight.outcome
            WHERE 5 = ANY ($4)
                AND $5 IS NULL
                AND outcome.job < $1
                AND outcome.job >= $2
            ORDER BY outcome.job DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT outcome.job, outcome.kind, outcome.queue, true
            FROM mindflight.outcome
            WHERE 6 = ANY ($4)
                AND outcome.state = 1
                AND $13::bigint IS NULL
                AND $5 IS NULL
                AND outcome.job < $1
                AND outcome.job >= $2
            ORDER BY outcome.job DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT outcome.job, outcome.kind, outcome.queue, true
            FROM mindflight.outcome
            WHERE outcome.fingerprint = $13
                AND $5 IS NULL
                AND outcome.job < $1
                AND outcome.job >= $2
            ORDER BY outcome.job DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT outcome.job, outcome.kind, outcome.queue, true
            FROM mindflight.outcome
            WHERE 7 = ANY ($4)
                AND outcome.state = 2
                AND $5 IS NULL
                AND outcome.job < $1
                AND outcome.job >= $2
            ORDER BY outcome.job DESC
            LIMIT $3
        )
        UNION ALL
        (
            SELECT job.id, job.kind, job.queue, true AS fits
            FROM unnest($5) AS named (id)
            CROSS JOIN LATERAL (
                SELECT job.id, job.kind, job.queue, job.priority
                FROM mindflight.job
                WHERE job.id = named.id
                LIMIT 1
            ) AS job
            CROSS JOIN LATERAL (
                SELECT 1 AS state
                FROM unnest(ARRAY[job.priority, 10::smallint]) AS own (lane)
                JOIN mindflight.ready ON ready.queue = job.queue
                    AND ready.lane = own.lane
                    AND ready.id = job.id
                UNION ALL
                SELECT CASE why WHEN 0 THEN 0 WHEN 3 THEN 2 ELSE 4 END
                FROM mindflight.scheduled
                WHERE scheduled.id = job.id
                UNION ALL
                SELECT 2
                FROM mindflight.blocked
                WHERE blocked.id = job.id
                UNION ALL
                SELECT 3
                FROM mindflight.lease
                WHERE lease.id = job.id
                UNION ALL
                SELECT 5 + outcome.state
                FROM mindflight.outcome
                WHERE outcome.job = job.id
                    AND ($13 IS NULL OR outcome.fingerprint = $13)
            ) AS place
            WHERE (cardinality($4) = 0 OR place.state = ANY ($4))
                AND job.id < $1
                AND job.id >= $2
            ORDER BY job.id DESC
            LIMIT $3
        )
    ) AS found
    WHERE found.id >= (SELECT edge.id FROM edge)
    ORDER BY found.id DESC
    LIMIT $3
),
fitting AS MATERIALIZED (
    SELECT candidate.id
    FROM candidate
    WHERE candidate.fits
        AND ($6::text IS NULL OR candidate.kind = ANY (ARRAY(
            SELECT kind.id FROM mindflight.kind WHERE kind.name = $6
        )))
        AND ($7::text IS NULL OR candidate.kind = ANY (ARRAY(
            SELECT kind.id
            FROM mindflight.kind
            WHERE starts_with(kind.name, $7 || '.')
                OR (starts_with(kind.name, $7 || '_') AND position('.' IN kind.name) = 0)
        )))
        AND ($8 IS NULL OR candidate.queue = ANY (ARRAY(
            SELECT queue.id FROM mindflight.queue WHERE queue.name = $8
        )))
        AND ($9::text IS NULL AND $10::text[] IS NULL AND $12::text IS NULL OR (
            SELECT ($9 IS NULL OR job.meta -> 'tags' ? $9)
                AND ($10 IS NULL OR job.args #>> $10 = $11::text)
                AND ($12 IS NULL OR job.meta ->> 'owner' = $12)
            FROM mindflight.job
            WHERE job.id = candidate.id
        ))
)
SELECT
    (SELECT count(*) FROM candidate) AS "scanned!",
    (SELECT count(*) FROM candidate) >= $3
        OR EXISTS (SELECT FROM queued WHERE queued.place = $14) AS "more!",
    (SELECT candidate.id FROM candidate ORDER BY candidate.id LIMIT 1) AS "oldest?",
    ARRAY(SELECT fitting.id FROM fitting ORDER BY fitting.id DESC) AS "fitting!"
