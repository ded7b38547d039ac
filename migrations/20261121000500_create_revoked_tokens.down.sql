DROP TABLE mindflight.revoked_tokens;
