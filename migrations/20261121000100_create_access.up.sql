SET LOCAL lock_timeout = '5s';

-- The schema is there already where the migrations' own table was made before; a role that may not
-- create schemas must not be asked to.
DO $$
BEGIN
    IF to_regnamespace('mindflight') IS NULL THEN
        CREATE SCHEMA mindflight;
    END IF;
END
$$;

-- One row. Every instance reads it often, and drops what it has cached when a number has grown.
CREATE TABLE mindflight.control (
    only_row boolean NOT NULL DEFAULT true,
    auth_version bigint NOT NULL DEFAULT 1,
    provider_version bigint NOT NULL DEFAULT 1,
    CONSTRAINT control_pkey PRIMARY KEY (only_row),
    CONSTRAINT control_only_row CHECK (only_row)
);

INSERT INTO mindflight.control (only_row)
VALUES (true);

-- Triggers and not the program: a key that an operator revokes with psql must stop working too.
CREATE FUNCTION mindflight.bump_auth_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mindflight.control
    SET auth_version = auth_version + 1;
    RETURN NULL;
END
$$;

CREATE TABLE mindflight.users (
    id uuid NOT NULL,
    username text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_username_length CHECK (char_length(username) BETWEEN 1 AND 100),
    CONSTRAINT users_role_known CHECK (role IN ('viewer', 'operator', 'admin'))
);

CREATE UNIQUE INDEX users_username_key ON mindflight.users (lower(username));

CREATE TRIGGER users_bump_auth_version
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON mindflight.users
FOR EACH STATEMENT EXECUTE FUNCTION mindflight.bump_auth_version();

CREATE TABLE mindflight.api_keys (
    id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    scopes text[] NOT NULL,
    rate integer,
    user_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_hash_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT api_keys_scopes_known CHECK (array_position(scopes, NULL) IS NULL),
    CONSTRAINT api_keys_rate_positive CHECK (rate > 0),
    -- A key never outlives its maker: without one it would look like a key of the command line.
    CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES mindflight.users (id) ON DELETE CASCADE
);

CREATE INDEX api_keys_user_id_idx ON mindflight.api_keys (user_id, id);

-- Not on last_used_at: that a key was used changes nothing that anybody caches.
CREATE TRIGGER api_keys_bump_auth_version
AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF id, name, prefix, hash, scopes, rate, user_id, expires_at, revoked_at
ON mindflight.api_keys
FOR EACH STATEMENT EXECUTE FUNCTION mindflight.bump_auth_version();
