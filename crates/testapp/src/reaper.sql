-- Ends the throw-away cluster when nobody has used it for ten seconds, and removes its folder.
--
-- A backend that is busy with a statement does not notice that its client is gone: this one needs no
-- process of ours. The lock is the one that every test process shares; who comes now and cannot have
-- it starts a cluster of its own.
DO $$
DECLARE
    idle integer := 0;
BEGIN
    LOOP
        -- No snapshot may stay open.
        COMMIT;
        PERFORM pg_sleep(1);
        PERFORM pg_stat_clear_snapshot();
        IF EXISTS (
            SELECT
            FROM pg_stat_activity
            WHERE backend_type = 'client backend'
                AND pid <> pg_backend_pid()
                AND application_name <> 'reaper'
        ) THEN
            idle := 0;
        ELSE
            idle := idle + 1;
        END IF;
        EXIT WHEN idle >= 10 AND pg_try_advisory_lock(7234001);
    END LOOP;
    -- The signals of a stopping server reach this shell, too: it ignores them, or nothing would be removed.
    COPY (SELECT 1) TO PROGRAM 'p=$(head -n 1 postmaster.pid); d=$(dirname "$(pwd)"); (trap "" INT TERM QUIT; kill -INT "$p"; while kill -0 "$p"; do sleep 0.1; done; rm -rf "$d") >/dev/null 2>&1 </dev/null &';
END
$$
