WITH near AS MATERIALIZED (
    SELECT base, seqs, counts
    FROM mindflight.tick
    WHERE base >= coalesce(
        (SELECT base FROM mindflight.tick WHERE base BETWEEN 0 AND $1 ORDER BY base DESC LIMIT 1),
        0
    )
    ORDER BY base
    LIMIT least($2::bigint, 256)
),
placed AS (
    SELECT place.seq,
        near.base + sum(coalesce(place.count, 1)) OVER (PARTITION BY near.base ORDER BY place.ord) AS last
    FROM near
    CROSS JOIN LATERAL unnest(near.seqs, near.counts) WITH ORDINALITY AS place (seq, count, ord)
),
wanted AS MATERIALIZED (
    SELECT seq, last
    FROM placed
    WHERE last > $1
    ORDER BY last
    LIMIT $2
),
found AS (
    -- As they are stored: nothing is unpacked to be weighed.
    SELECT event.*, wanted.last, sum(pg_column_size(event.data)) OVER (ORDER BY wanted.last) AS bytes
    FROM wanted
    JOIN mindflight.event ON event.seq = wanted.seq
)
SELECT last::bigint AS "last!", seq AS "seq!", time AS "time!", count AS "count!", id AS "id?", type AS "type!",
    source AS "source!", key AS "key?", depth AS "depth!", correlation_id AS "correlation_id?",
    traceparent AS "traceparent?", data::text AS "data!"
FROM found
WHERE bytes - pg_column_size(data) < $3
ORDER BY last
