SET LOCAL lock_timeout = '5s';

-- The order in which events get their numbers; it jumps when a partition is full of time, so it has gaps.
CREATE SEQUENCE mindflight.event_seq AS bigint;

-- What happened. Written once, in the transaction of what it reports; its partition is dropped when it is old.
-- A row that the queue writes for jobs that ended holds many events at once: count of them, in columns of data.
CREATE TABLE mindflight.event (
    seq bigint NOT NULL DEFAULT nextval('mindflight.event_seq'),
    -- Of the outermost transaction, as snapshots know it.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    count integer NOT NULL DEFAULT 1,
    id text COLLATE "C",
    type text COLLATE "C" NOT NULL,
    source text NOT NULL,
    key text,
    depth smallint NOT NULL DEFAULT 0,
    correlation_id text,
    traceparent text,
    -- Not jsonb: that would reorder the members of objects, and rewrite numbers.
    data json NOT NULL,
    CONSTRAINT event_pkey PRIMARY KEY (seq),
    CONSTRAINT event_count_positive CHECK (count > 0)
) PARTITION BY RANGE (seq);

CREATE INDEX event_xid_idx ON mindflight.event (xid);

CREATE INDEX event_id_idx ON mindflight.event (id) WHERE id IS NOT NULL;

-- Partition n has the numbers from n * 2^32: far more than an hour can use. The next one is always there.
CREATE TABLE mindflight.event_p0 PARTITION OF mindflight.event FOR VALUES FROM (0) TO (4294967296);

CREATE TABLE mindflight.event_p1 PARTITION OF mindflight.event FOR VALUES FROM (4294967296) TO (8589934592);

-- Ids that publishers gave, for as long as the same id means the same event.
CREATE TABLE mindflight.event_id (
    source text NOT NULL,
    id text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    seq bigint,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT event_id_pkey PRIMARY KEY (source, id)
);

CREATE INDEX event_id_published_at_idx ON mindflight.event_id (published_at);

-- A tick gives positions to the events that its snapshot shows and no earlier one did. The position of an event is
-- base + its place in seqs, from 1, where a row of several events has as many places.
CREATE TABLE mindflight.tick (
    base bigint NOT NULL,
    n bigint NOT NULL,
    seqs bigint[] NOT NULL,
    -- Null if every row is one event.
    counts integer[],
    snap pg_snapshot NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT tick_pkey PRIMARY KEY (base),
    CONSTRAINT tick_n_positive CHECK (n > 0)
);

CREATE INDEX tick_first_seq_idx ON mindflight.tick ((seqs[1]));

-- So that the first real tick begins at 0, and the first event has position 1.
INSERT INTO mindflight.tick (base, n, seqs, snap) VALUES (-1, 1, '{}', pg_current_snapshot());

-- The log as a whole; one row. A history that may have gone back, after a restore or a fail-over, is another epoch.
CREATE TABLE mindflight.event_log (
    one boolean NOT NULL DEFAULT true,
    epoch text COLLATE "C" NOT NULL DEFAULT left(replace(gen_random_uuid()::text, '-', ''), 8),
    -- Which cluster, database and time line wrote it.
    home text COLLATE "C",
    -- Positions up to here are gone.
    gone bigint NOT NULL DEFAULT 0,
    rolled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT event_log_pkey PRIMARY KEY (one),
    CONSTRAINT event_log_one_row CHECK (one)
);

INSERT INTO mindflight.event_log DEFAULT VALUES;

-- How far events have been turned into jobs, by whoever listens.
CREATE TABLE mindflight.consumer (
    name text COLLATE "C" NOT NULL,
    pattern text COLLATE "C" NOT NULL,
    source text,
    position bigint NOT NULL,
    epoch text COLLATE "C" NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT consumer_pkey PRIMARY KEY (name),
    CONSTRAINT consumer_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
) WITH (fillfactor = 50);
