SET LOCAL lock_timeout = '5s';

-- A pause may have an end. Limits of a queue are kept by whoever claims from it; NULL is none.
ALTER TABLE mindflight.queue
    ADD COLUMN paused_until timestamptz,
    -- How long its jobs are kept after they ended, if not as long as all others.
    ADD COLUMN retention interval,
    -- Jobs of it that run at once, over all instances.
    ADD COLUMN slots integer,
    -- Jobs of it that start in each rate_period, over all instances.
    ADD COLUMN rate integer,
    ADD COLUMN rate_period interval,
    -- What is left of the rate, and as of when.
    ADD COLUMN tokens double precision NOT NULL DEFAULT 0,
    ADD COLUMN tokens_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD CONSTRAINT queue_slots_positive CHECK (slots > 0),
    ADD CONSTRAINT queue_rate_positive CHECK (rate > 0 AND rate_period > '0'),
    ADD CONSTRAINT queue_rate_whole CHECK ((rate IS NULL) = (rate_period IS NULL));

-- A gate lets so many run at once, so many start in each rate_period, or both.
ALTER TABLE mindflight.gate
    ALTER COLUMN slots DROP NOT NULL,
    -- Whether it is for a whole kind. Those are locked after all others, as jobs pass them last.
    ADD COLUMN is_outer boolean NOT NULL DEFAULT false,
    ADD COLUMN rate integer,
    ADD COLUMN rate_period interval,
    ADD COLUMN tokens double precision NOT NULL DEFAULT 0,
    ADD COLUMN tokens_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the next of those that wait may start, if only its rate holds them.
    ADD COLUMN wakes_at timestamptz,
    ADD CONSTRAINT gate_rate_positive CHECK (rate > 0 AND rate_period > '0'),
    ADD CONSTRAINT gate_rate_whole CHECK ((rate IS NULL) = (rate_period IS NULL));

UPDATE mindflight.gate
SET is_outer = true
WHERE name IN (SELECT kind.name FROM mindflight.kind);

CREATE INDEX gate_wakes_at_idx ON mindflight.gate (wakes_at) WHERE wakes_at IS NOT NULL;

-- A job passes its gate first (one for the value of an argument, if there is one), then its outer gate (for the
-- whole kind). One that waits at its outer gate has passed the inner one, and uses a slot of it.
ALTER TABLE mindflight.ready
    ADD COLUMN outer_gate integer,
    -- Another job waits for its end.
    ADD COLUMN is_awaited boolean NOT NULL DEFAULT false;

ALTER TABLE mindflight.scheduled
    ADD COLUMN outer_gate integer,
    ADD COLUMN is_awaited boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT scheduled_why_known,
    -- 3: it waits for other jobs.
    ADD CONSTRAINT scheduled_why_known CHECK (why BETWEEN 0 AND 3);

ALTER TABLE mindflight.blocked
    ADD COLUMN outer_gate integer,
    ADD COLUMN inner_gate integer,
    ADD COLUMN is_awaited boolean NOT NULL DEFAULT false;

ALTER TABLE mindflight.lease
    ADD COLUMN outer_gate integer,
    ADD COLUMN is_awaited boolean NOT NULL DEFAULT false;

CREATE INDEX ready_outer_gate_idx ON mindflight.ready (outer_gate) WHERE outer_gate IS NOT NULL;

CREATE INDEX lease_outer_gate_idx ON mindflight.lease (outer_gate) WHERE outer_gate IS NOT NULL;

CREATE INDEX blocked_inner_gate_idx ON mindflight.blocked (inner_gate) WHERE inner_gate IS NOT NULL;

-- Jobs that start once others have ended, and whose results they get.
CREATE TABLE mindflight.dependency (
    job uuid NOT NULL,
    parent uuid NOT NULL,
    -- In the order in which they were named.
    place smallint NOT NULL,
    CONSTRAINT dependency_pkey PRIMARY KEY (job, parent)
);

CREATE INDEX dependency_parent_idx ON mindflight.dependency (parent, job);

-- A key may be held until a time instead of until its job ends.
ALTER TABLE mindflight.unique_key
    ADD COLUMN expires_at timestamptz;

CREATE INDEX unique_key_expires_at_idx ON mindflight.unique_key (expires_at) WHERE expires_at IS NOT NULL;

-- The ids of jobs that ended together, in the order of the columns in data; as they are, for packing them costs more
-- than it saves. A column of data that is one value is that of all.
ALTER TABLE mindflight.event
    ADD COLUMN jobs uuid[],
    ALTER COLUMN jobs SET STORAGE EXTERNAL;

-- Failures that are the same but for what differs from case to case have one fingerprint.
ALTER TABLE mindflight.outcome
    ADD COLUMN fingerprint bigint;

CREATE INDEX outcome_fingerprint_idx ON mindflight.outcome (fingerprint, job) WHERE fingerprint IS NOT NULL;

CREATE TABLE mindflight.error_group (
    fingerprint bigint NOT NULL,
    kind integer NOT NULL,
    code text COLLATE "C" NOT NULL,
    -- The detail of the newest, without what differs from case to case.
    pattern text NOT NULL,
    -- Failed attempts, and jobs that have failed for good.
    attempts bigint NOT NULL,
    jobs bigint NOT NULL,
    first_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_job uuid NOT NULL,
    CONSTRAINT error_group_pkey PRIMARY KEY (fingerprint)
) WITH (fillfactor = 50);

CREATE INDEX error_group_last_at_idx ON mindflight.error_group (last_at, fingerprint);
