-- The schema stays: the migrations' own table lives in it.
DROP TABLE mindflight.api_keys;
DROP TABLE mindflight.users;
DROP FUNCTION mindflight.bump_auth_version();
DROP TABLE mindflight.control;
