SET LOCAL lock_timeout = '5s';

CREATE TABLE mindflight.memory (
    space text COLLATE "C" NOT NULL,
    -- In the order of its bytes, so that a prefix is a range of the primary key.
    key text COLLATE "C" NOT NULL,
    -- Not jsonb: that would reorder the members of objects, and round and rewrite numbers.
    value json NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz,
    CONSTRAINT memory_pkey PRIMARY KEY (space, key),
    CONSTRAINT memory_space_length CHECK (char_length(space) BETWEEN 1 AND 200),
    CONSTRAINT memory_key_length CHECK (char_length(key) BETWEEN 1 AND 512),
    CONSTRAINT memory_value_size CHECK (octet_length(value::text) <= 262144),
    CONSTRAINT memory_version_positive CHECK (version > 0)
);

CREATE INDEX memory_expires_at_idx ON mindflight.memory (expires_at) WHERE expires_at IS NOT NULL;
