DROP TABLE mindflight.provider_state;
DROP FUNCTION mindflight.bump_provider_version();
