SET LOCAL lock_timeout = '5s';

-- Tokens whose user signed out before their end. A row that is past its end says nothing any more.
CREATE TABLE mindflight.revoked_tokens (
    jti text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT revoked_tokens_pkey PRIMARY KEY (jti),
    CONSTRAINT revoked_tokens_jti_length CHECK (char_length(jti) BETWEEN 1 AND 100)
);

CREATE INDEX revoked_tokens_expires_at_idx ON mindflight.revoked_tokens (expires_at);

-- Not on DELETE: that a row is swept changes nothing that anybody caches.
CREATE TRIGGER revoked_tokens_bump_auth_version
AFTER INSERT OR UPDATE ON mindflight.revoked_tokens
FOR EACH STATEMENT EXECUTE FUNCTION mindflight.bump_auth_version();
