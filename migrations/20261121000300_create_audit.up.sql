SET LOCAL lock_timeout = '5s';

-- Who and what are copied, not referenced: a row outlives the user and the key that it names.
CREATE TABLE mindflight.audit (
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    outcome text NOT NULL,
    user_id uuid,
    key_id uuid,
    caller_name text NOT NULL,
    ip inet,
    request_id uuid,
    detail jsonb,
    CONSTRAINT audit_pkey PRIMARY KEY (id),
    CONSTRAINT audit_action_named CHECK (action <> ''),
    CONSTRAINT audit_outcome_named CHECK (outcome <> '')
);

CREATE INDEX audit_target_idx ON mindflight.audit (target, id);
CREATE INDEX audit_user_id_idx ON mindflight.audit (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_key_id_idx ON mindflight.audit (key_id, id) WHERE key_id IS NOT NULL;
