-- How many jobs are in which state (places of `JobState::ALL`), of kind $1, provider $2 and queue $3. Of each state
-- at most $4 are looked at: as far as an index orders them, the newest.
SELECT found.state AS "state!",
    count(*) FILTER (
        WHERE found.fits
            AND ($1::text IS NULL OR found.kind = ANY (ARRAY(
                SELECT kind.id FROM mindflight.kind WHERE kind.name = $1
            )))
            AND ($2::text IS NULL OR found.kind = ANY (ARRAY(
                SELECT kind.id
                FROM mindflight.kind
                WHERE starts_with(kind.name, $2 || '.')
                    OR (starts_with(kind.name, $2 || '_') AND position('.' IN kind.name) = 0)
            )))
            AND ($3::text IS NULL OR found.queue = ANY (ARRAY(
                SELECT queue.id FROM mindflight.queue WHERE queue.name = $3
            )))
    ) AS "fitting!",
    count(*) AS "scanned!"
FROM (
    (
        SELECT 0 AS state, scheduled.kind, scheduled.queue, true AS fits
        FROM mindflight.scheduled
        WHERE scheduled.why = 0
        LIMIT $4::bigint
    )
    UNION ALL
    (
        SELECT 1, waiting.kind, waiting.queue, true
        FROM mindflight.queue
        CROSS JOIN LATERAL (
            SELECT ready.kind, ready.queue
            FROM mindflight.ready
            WHERE ready.queue = queue.id
            LIMIT $4
        ) AS waiting
        WHERE ($3::text IS NULL OR queue.name = $3)
            -- Whatever is in a queue is of the kinds that were ever put into it.
            AND ($1::text IS NULL OR EXISTS (
                SELECT
                FROM mindflight.kind
                JOIN mindflight.queue_kind ON queue_kind.kind = kind.id
                WHERE kind.name = $1
                    AND queue_kind.queue = queue.id
            ))
        LIMIT $4
    )
    UNION ALL
    (
        SELECT 2, blocked.kind, blocked.queue, true
        FROM (
            (SELECT kind, queue FROM mindflight.blocked LIMIT $4)
            UNION ALL
            -- What waits for others has a time that never comes.
            (SELECT kind, queue FROM mindflight.scheduled WHERE run_at >= '9999-12-31Z' AND why = 3 LIMIT $4)
        ) AS blocked
        LIMIT $4
    )
    UNION ALL
    (
        SELECT 3, lease.kind, lease.queue, true
        FROM mindflight.lease
        LIMIT $4
    )
    UNION ALL
    (
        SELECT 4, scheduled.kind, scheduled.queue, true
        FROM mindflight.scheduled
        WHERE scheduled.why IN (1, 2)
        LIMIT $4
    )
    UNION ALL
    (
        -- No index has those that succeeded alone, and where most were cancelled they would be sought for long.
        SELECT 5, outcome.kind, outcome.queue, outcome.state = 0
        FROM mindflight.outcome
        ORDER BY outcome.job DESC
        LIMIT $4
    )
    UNION ALL
    (
        SELECT 6, outcome.kind, outcome.queue, true
        FROM mindflight.outcome
        WHERE outcome.state = 1
        ORDER BY outcome.job DESC
        LIMIT $4
    )
    UNION ALL
    (
        SELECT 7, outcome.kind, outcome.queue, true
        FROM mindflight.outcome
        WHERE outcome.state = 2
        ORDER BY outcome.job DESC
        LIMIT $4
    )
) AS found
GROUP BY found.state
