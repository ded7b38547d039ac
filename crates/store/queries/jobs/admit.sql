-- Lets jobs that wait at these gates ($1), which are locked, pass them: on to their outer gate if they have one,
-- else to where workers find them. Tokens that were given to jobs which have not started yet still fill the bucket.
WITH room AS MATERIALIZED (
    SELECT gate.id, gate.slots, gate.rate, gate.rate_period / gate.rate AS pace,
        gate.slots - ready.number - ready_outer.number - lease.number - lease_outer.number - passed.number AS free,
        greatest(0, least(
            gate.rate - ready.number - ready_outer.number - passed.number,
            gate.tokens + gate.rate * greatest(0, extract(epoch FROM statement_timestamp() - gate.tokens_at))
                / extract(epoch FROM gate.rate_period)
        ))::double precision AS tokens
    FROM mindflight.gate
    CROSS JOIN LATERAL (SELECT count(*) AS number FROM mindflight.ready WHERE ready.gate = gate.id) AS ready
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM mindflight.ready WHERE ready.outer_gate = gate.id
    ) AS ready_outer
    CROSS JOIN LATERAL (SELECT count(*) AS number FROM mindflight.lease WHERE lease.gate = gate.id) AS lease
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM mindflight.lease WHERE lease.outer_gate = gate.id
    ) AS lease_outer
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM mindflight.blocked WHERE blocked.inner_gate = gate.id
    ) AS passed
    WHERE gate.id = ANY ($1)
),
next AS MATERIALIZED (
    SELECT room.id AS gate, waiting.id
    FROM room
    CROSS JOIN LATERAL (
        SELECT id
        FROM mindflight.blocked
        WHERE blocked.gate = room.id
        ORDER BY lane, id
        -- Sums of fractions: what lacks a millionth is whole. Without slots or a rate there is no such limit.
        LIMIT greatest(0, least(room.free, CASE WHEN room.rate IS NOT NULL THEN floor(room.tokens + 1e-6)::bigint END))
    ) AS waiting
),
let_in AS (
    DELETE FROM mindflight.blocked
    USING next
    WHERE blocked.id = next.id
    RETURNING blocked.*
),
spent AS (
    UPDATE mindflight.gate
    SET tokens = greatest(0, room.tokens - passed.number), tokens_at = statement_timestamp(),
        wakes_at = CASE
            -- Whoever frees a slot looks again; time does not have to.
            WHEN room.free <= passed.number THEN NULL
            WHEN (
                SELECT count(*)
                FROM (
                    SELECT
                    FROM mindflight.blocked
                    WHERE blocked.gate = room.id
                    LIMIT passed.number + 1
                ) AS waiting
            ) > passed.number THEN statement_timestamp() + greatest(
                room.pace * greatest(0, 1 - greatest(0, room.tokens - passed.number)), interval '5 milliseconds'
            )
        END
    FROM room
    CROSS JOIN LATERAL (SELECT count(*) AS number FROM next WHERE next.gate = room.id) AS passed
    WHERE gate.id = room.id
        AND (room.rate IS NOT NULL OR gate.wakes_at IS NOT NULL)
),
onward AS (
    INSERT INTO mindflight.blocked
        (gate, inner_gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited)
    SELECT outer_gate, gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique, is_awaited
    FROM let_in
    WHERE outer_gate IS NOT NULL
),
through AS (
    INSERT INTO mindflight.ready
        (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, gate, outer_gate, is_awaited)
    SELECT queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, coalesce(inner_gate, gate),
        CASE WHEN inner_gate IS NOT NULL THEN gate END, is_awaited
    FROM let_in
    WHERE outer_gate IS NULL
)
SELECT DISTINCT CASE WHEN outer_gate IS NULL THEN queue END AS queue, outer_gate
FROM let_in
