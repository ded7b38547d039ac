SET LOCAL lock_timeout = '5s';

DROP TABLE mindflight.error_group;

ALTER TABLE mindflight.event DROP COLUMN jobs;

ALTER TABLE mindflight.outcome DROP COLUMN fingerprint;

ALTER TABLE mindflight.unique_key DROP COLUMN expires_at;

DROP TABLE mindflight.dependency;

ALTER TABLE mindflight.lease DROP COLUMN outer_gate, DROP COLUMN is_awaited;

ALTER TABLE mindflight.blocked DROP COLUMN outer_gate, DROP COLUMN inner_gate, DROP COLUMN is_awaited;

ALTER TABLE mindflight.scheduled
    DROP COLUMN outer_gate,
    DROP COLUMN is_awaited,
    DROP CONSTRAINT scheduled_why_known,
    ADD CONSTRAINT scheduled_why_known CHECK (why BETWEEN 0 AND 2);

ALTER TABLE mindflight.ready DROP COLUMN outer_gate, DROP COLUMN is_awaited;

DELETE FROM mindflight.gate WHERE slots IS NULL;

ALTER TABLE mindflight.gate
    ALTER COLUMN slots SET NOT NULL,
    DROP COLUMN is_outer,
    DROP COLUMN rate,
    DROP COLUMN rate_period,
    DROP COLUMN tokens,
    DROP COLUMN tokens_at,
    DROP COLUMN wakes_at;

ALTER TABLE mindflight.queue
    DROP COLUMN paused_until,
    DROP COLUMN retention,
    DROP COLUMN slots,
    DROP COLUMN rate,
    DROP COLUMN rate_period,
    DROP COLUMN tokens,
    DROP COLUMN tokens_at;
