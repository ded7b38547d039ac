SET LOCAL lock_timeout = '5s';

-- A job is in exactly one of ready, scheduled, blocked, lease and outcome: where it is, is its state.
-- No foreign keys among these tables: they would lock parents that every statement shares. Their times are
-- the database's own, because the clocks of instances differ.

CREATE TABLE mindflight.queue (
    id smallint GENERATED ALWAYS AS IDENTITY,
    name text COLLATE "C" NOT NULL,
    -- Whether the ends of its jobs are kept.
    keeps_history boolean NOT NULL DEFAULT true,
    paused_at timestamptz,
    paused_by text,
    pause_reason text,
    CONSTRAINT queue_pkey PRIMARY KEY (id),
    CONSTRAINT queue_name_key UNIQUE (name),
    CONSTRAINT queue_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);

CREATE TABLE mindflight.kind (
    id integer GENERATED ALWAYS AS IDENTITY,
    name text COLLATE "C" NOT NULL,
    CONSTRAINT kind_pkey PRIMARY KEY (id),
    CONSTRAINT kind_name_key UNIQUE (name),
    CONSTRAINT kind_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
);

-- Which kinds have ever been put into which queue: where a worker of these kinds has to look.
CREATE TABLE mindflight.queue_kind (
    queue smallint NOT NULL,
    kind integer NOT NULL,
    CONSTRAINT queue_kind_pkey PRIMARY KEY (kind, queue)
);

-- What limits how many jobs run at once: a kind, or a kind and the value of one argument.
-- Slots in use are counted from ready and lease, never stored, so they cannot drift.
CREATE TABLE mindflight.gate (
    id integer GENERATED ALWAYS AS IDENTITY,
    name text COLLATE "C" NOT NULL,
    slots integer NOT NULL,
    CONSTRAINT gate_pkey PRIMARY KEY (id),
    CONSTRAINT gate_name_key UNIQUE (name),
    CONSTRAINT gate_slots_positive CHECK (slots > 0)
);

-- What a job is. Written once; its partition is dropped when it is old.
CREATE TABLE mindflight.job (
    id uuid NOT NULL,
    kind integer NOT NULL,
    queue smallint NOT NULL,
    priority smallint NOT NULL,
    max_attempts smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Not jsonb: that would reorder the members of objects, and rewrite numbers.
    args json NOT NULL,
    -- What few jobs have: tags, owner, caller, unique key, schedule.
    meta jsonb,
    CONSTRAINT job_pkey PRIMARY KEY (id),
    CONSTRAINT job_priority_range CHECK (priority BETWEEN 0 AND 9),
    CONSTRAINT job_max_attempts_positive CHECK (max_attempts > 0)
) PARTITION BY RANGE (id);

CREATE TABLE mindflight.job_rest PARTITION OF mindflight.job DEFAULT;

-- Jobs that wait for a worker, in the order in which they are claimed. Deleted by the claim. attempt is the number
-- of the newest attempt, 0 before the first; max_attempts grows with every attempt that does not count.
-- crashes: 6 for each time that its worker died while it ran alone, 1 for each time in company.
-- lane is the priority, or 10 for a job that was running when its worker died: such a job runs alone.
CREATE TABLE mindflight.ready (
    queue smallint NOT NULL,
    lane smallint NOT NULL,
    id uuid NOT NULL,
    kind integer NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    max_attempts smallint NOT NULL,
    is_unique boolean NOT NULL,
    gate integer,
    -- A copy if it is small; otherwise it is read from the body.
    args json,
    CONSTRAINT ready_pkey PRIMARY KEY (queue, lane, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX ready_gate_idx ON mindflight.ready (gate) WHERE gate IS NOT NULL;

-- Jobs that are not due: delayed (why 0), between two attempts (1), or put off by themselves (2).
CREATE TABLE mindflight.scheduled (
    id uuid NOT NULL,
    run_at timestamptz NOT NULL,
    why smallint NOT NULL,
    queue smallint NOT NULL,
    lane smallint NOT NULL,
    kind integer NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    max_attempts smallint NOT NULL,
    is_unique boolean NOT NULL,
    gate integer,
    CONSTRAINT scheduled_pkey PRIMARY KEY (id),
    CONSTRAINT scheduled_why_known CHECK (why BETWEEN 0 AND 2)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX scheduled_run_at_idx ON mindflight.scheduled (run_at, id);

-- Jobs that are due and wait for a slot of their gate.
CREATE TABLE mindflight.blocked (
    gate integer NOT NULL,
    lane smallint NOT NULL,
    id uuid NOT NULL,
    queue smallint NOT NULL,
    kind integer NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    max_attempts smallint NOT NULL,
    is_unique boolean NOT NULL,
    CONSTRAINT blocked_pkey PRIMARY KEY (gate, lane, id)
);

CREATE UNIQUE INDEX blocked_id_key ON mindflight.blocked (id);

-- Jobs that run. (id, worker, attempt) is the fence: whoever ends a job deletes exactly that row.
CREATE TABLE mindflight.lease (
    id uuid NOT NULL,
    worker bigint NOT NULL,
    queue smallint NOT NULL,
    lane smallint NOT NULL,
    kind integer NOT NULL,
    attempt smallint NOT NULL,
    crashes smallint NOT NULL,
    max_attempts smallint NOT NULL,
    is_unique boolean NOT NULL,
    gate integer,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT lease_pkey PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX lease_gate_idx ON mindflight.lease (gate) WHERE gate IS NOT NULL;

-- How jobs ended: succeeded (state 0), failed (1) or cancelled (2). Written once.
CREATE TABLE mindflight.outcome (
    job uuid NOT NULL,
    state smallint NOT NULL,
    kind integer NOT NULL,
    queue smallint NOT NULL,
    attempt smallint NOT NULL,
    worker bigint,
    started_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    result json,
    error jsonb,
    CONSTRAINT outcome_pkey PRIMARY KEY (job),
    CONSTRAINT outcome_state_known CHECK (state BETWEEN 0 AND 2)
) PARTITION BY RANGE (job);

CREATE TABLE mindflight.outcome_rest PARTITION OF mindflight.outcome DEFAULT;

-- The two lists that operators read most are short beside the rest.
CREATE INDEX outcome_state_idx ON mindflight.outcome (state, job) WHERE state > 0;

-- How attempts ended that did not end their job, and those that failed: failed (0), put off (1), crashed (2),
-- handed back (3), cancelled (4).
CREATE TABLE mindflight.attempt (
    job uuid NOT NULL,
    attempt smallint NOT NULL,
    ended smallint NOT NULL,
    worker bigint,
    started_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    error jsonb,
    CONSTRAINT attempt_ended_known CHECK (ended BETWEEN 0 AND 4)
) PARTITION BY RANGE (job);

CREATE TABLE mindflight.attempt_rest PARTITION OF mindflight.attempt DEFAULT;

CREATE INDEX attempt_job_idx ON mindflight.attempt (job, attempt);

-- One row for each process that runs jobs. Its id is never used again: it is the fence of its leases.
CREATE TABLE mindflight.worker (
    id bigint GENERATED ALWAYS AS IDENTITY,
    instance uuid NOT NULL,
    -- What can be held by one process at a time, such as a data folder: its next holder knows that this one is gone.
    holder text,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    slots integer NOT NULL,
    running integer NOT NULL DEFAULT 0,
    kinds integer[] NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stopping boolean NOT NULL DEFAULT false,
    CONSTRAINT worker_pkey PRIMARY KEY (id)
) WITH (fillfactor = 50);

-- Keys of which one unfinished job at most exists.
CREATE TABLE mindflight.unique_key (
    key text COLLATE "C" NOT NULL,
    job uuid NOT NULL,
    -- Given back when an attempt starts, instead of when the job ends.
    until_start boolean NOT NULL,
    CONSTRAINT unique_key_pkey PRIMARY KEY (key),
    CONSTRAINT unique_key_length CHECK (char_length(key) BETWEEN 1 AND 512)
);

CREATE INDEX unique_key_job_idx ON mindflight.unique_key (job);

-- Running jobs that somebody wants to be stopped.
CREATE TABLE mindflight.cancel_request (
    job uuid NOT NULL,
    reason text,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT cancel_request_pkey PRIMARY KEY (job)
);

CREATE TABLE mindflight.progress (
    job uuid NOT NULL,
    progress json NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT progress_pkey PRIMARY KEY (job)
) WITH (fillfactor = 70);

CREATE TABLE mindflight.log_line (
    job uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    attempt smallint NOT NULL,
    at timestamptz NOT NULL,
    line text NOT NULL,
    CONSTRAINT log_line_pkey PRIMARY KEY (job, number)
) PARTITION BY RANGE (job);

CREATE TABLE mindflight.log_line_rest PARTITION OF mindflight.log_line DEFAULT;

-- What makes jobs by the clock. last_slot decides, on all instances together, which times are done.
CREATE TABLE mindflight.schedule (
    id uuid NOT NULL,
    kind integer NOT NULL,
    cron text NOT NULL,
    zone text NOT NULL,
    missed text NOT NULL,
    last_slot timestamptz NOT NULL,
    last_job uuid,
    paused_at timestamptz,
    paused_by text,
    CONSTRAINT schedule_pkey PRIMARY KEY (id),
    CONSTRAINT schedule_declared_key UNIQUE (kind, cron, zone),
    CONSTRAINT schedule_missed_known CHECK (missed IN ('skip', 'latest', 'all'))
);
