-- Adds to the row if it holds an integer and the sum fits. No row: there is none.
WITH held AS (
    SELECT value::text AS text, version, coalesce(expires_at <= $4, false) AS expired
    FROM mindflight.memory
    WHERE space = $1
        AND key = $2
    FOR UPDATE
), summed AS MATERIALIZED (
    SELECT version, expired,
        CASE
            WHEN expired THEN $3::bigint::numeric
            WHEN text ~ '^-?[0-9]{1,20}$' THEN text::numeric + $3
        END AS sum
    FROM held
), written AS (
    UPDATE mindflight.memory AS entry
    SET value = summed.sum::text::json,
        version = CASE WHEN summed.expired THEN 1 ELSE summed.version + 1 END,
        created_at = CASE WHEN summed.expired THEN $4 ELSE entry.created_at END,
        updated_at = $4,
        expires_at = CASE WHEN summed.expired THEN NULL ELSE entry.expires_at END
    FROM summed
    WHERE entry.space = $1
        AND entry.key = $2
        AND summed.sum BETWEEN -9223372036854775808 AND 9223372036854775807
    RETURNING summed.sum::bigint AS sum
)
SELECT summed.sum IS NOT NULL AS "was_integer!", written.sum AS "sum?"
FROM summed
LEFT JOIN written ON true
