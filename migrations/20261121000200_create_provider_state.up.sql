SET LOCAL lock_timeout = '5s';

-- A row overrides what the configuration says about the provider of that name.
CREATE TABLE mindflight.provider_state (
    name text NOT NULL,
    enabled boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT provider_state_pkey PRIMARY KEY (name),
    CONSTRAINT provider_state_name_length CHECK (char_length(name) BETWEEN 1 AND 100)
);

CREATE FUNCTION mindflight.bump_provider_version() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE mindflight.control
    SET provider_version = provider_version + 1;
    RETURN NULL;
END
$$;

CREATE TRIGGER provider_state_bump_provider_version
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON mindflight.provider_state
FOR EACH STATEMENT EXECUTE FUNCTION mindflight.bump_provider_version();
