WITH near AS MATERIALIZED (
    -- No more ticks than it takes: so many rows are in those before each.
    SELECT base, seqs, counts, sum(cardinality(seqs)) OVER (ORDER BY base) - cardinality(seqs) AS rows,
        first_value(cardinality(seqs)) OVER (ORDER BY base) AS first
    FROM (
        SELECT base, seqs, counts
        FROM mindflight.tick
        WHERE base >= coalesce(
            (SELECT base FROM mindflight.tick WHERE base BETWEEN 0 AND $1 ORDER BY base DESC LIMIT 1),
            0
        )
        ORDER BY base
        LIMIT least($2::bigint, 256)
    ) AS tick
),
placed AS (
    SELECT place.seq, near.base + skip.rows
        + sum(coalesce(place.count, 1)) OVER (PARTITION BY near.base ORDER BY place.ord) AS last
    FROM near
    -- A tick may be large; where each row is one event, its place is known.
    CROSS JOIN LATERAL (
        SELECT CASE WHEN near.counts IS NULL THEN greatest($1 - near.base, 0) ELSE 0 END AS rows
    ) AS skip
    CROSS JOIN LATERAL unnest(
        CASE WHEN near.counts IS NULL THEN near.seqs[skip.rows + 1 : skip.rows + $2] ELSE near.seqs END,
        near.counts
    ) WITH ORDINALITY AS place (seq, count, ord)
    WHERE near.rows - near.first < $2
),
wanted AS MATERIALIZED (
    SELECT seq, last
    FROM placed
    WHERE last > $1
    ORDER BY last
    LIMIT $2
),
weighed AS (
    -- Only what is compressed has to be unpacked to be weighed.
    SELECT event.*, wanted.last, CASE
            WHEN pg_column_compression(event.data) IS NULL THEN pg_column_size(event.data)
            ELSE octet_length(event.data::text)
        END + coalesce(pg_column_size(event.jobs), 0) AS weight
    FROM wanted
    -- One after the other: a plan made while the log was short would look at all of it when it is long.
    CROSS JOIN LATERAL (SELECT * FROM mindflight.event WHERE event.seq = wanted.seq OFFSET 0) AS event
),
found AS (
    SELECT weighed.*, sum(weight) OVER (ORDER BY last) - weight AS bytes
    FROM weighed
)
SELECT last::bigint AS "last!", seq AS "seq!", time AS "time!", count AS "count!", id AS "id?", type AS "type!",
    source AS "source!", key AS "key?", depth AS "depth!", correlation_id AS "correlation_id?",
    traceparent AS "traceparent?", data::text AS "data!", jobs AS "jobs?"
FROM found
WHERE bytes < $3
ORDER BY last
