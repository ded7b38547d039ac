-- Writes over the row if its version is the expected one. No row: there is none.
WITH held AS (
    SELECT value, version, coalesce(expires_at <= $4, false) AS expired
    FROM mindflight.memory
    WHERE space = $1
        AND key = $2
    FOR UPDATE
), written AS (
    UPDATE mindflight.memory AS entry
    SET value = $3::text::json,
        version = CASE WHEN held.expired THEN 1 ELSE held.version + 1 END,
        created_at = CASE WHEN held.expired THEN $4 ELSE entry.created_at END,
        updated_at = $4,
        expires_at = $5
    FROM held
    WHERE entry.space = $1
        AND entry.key = $2
        AND ($6::bigint IS NULL OR $6 = CASE WHEN held.expired THEN 0 ELSE held.version END)
    RETURNING entry.version
)
SELECT CASE WHEN held.expired THEN 0 ELSE held.version END AS "version!",
    CASE WHEN held.expired THEN NULL ELSE held.value END AS previous,
    written.version AS "written?"
FROM held
LEFT JOIN written ON true
