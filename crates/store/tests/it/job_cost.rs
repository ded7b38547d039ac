//! T13 and T14: what a claim has to look at does not grow with the jobs that wait, that have ended, or that somebody's old
//! snapshot keeps from being cleared away. Counted in pages, never in time.

use mindflight_testapp::TestDb;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::past::{other, run};

const CLAIM: &str = concat!("PREPARE claim AS ", include_str!("../../queries/jobs/claim.sql"));

/// As the session of a claimer is.
const PLANNING: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_bitmapscan = off; SET jit = off";

/// A queue, a kind, a worker, and a thousand jobs.
const WORLD: &str = "
    INSERT INTO mindflight.queue (name) VALUES ('q');
    INSERT INTO mindflight.kind (name) VALUES ('a.b');
    INSERT INTO mindflight.worker (instance, host, pid, version, slots, kinds)
    VALUES (gen_random_uuid(), 'here', 1, '1', 8, '{1}')";

/// Jobs that wait, younger than all before.
const FILL: &str = "
    INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique, args)
    SELECT 1, 5, lpad(to_hex(nextval('pg_temp.young')), 32, '0')::uuid, 1, 0, 0, 3, false, '{}'
    FROM generate_series(1, 2000)";

async fn fill(db: &mut PgConnection, times: usize) {
    for _ in 0..times {
        run(db, FILL).await;
    }
}

async fn world() -> (TestDb, PgConnection) {
    let db = TestDb::new().await;
    let mut client = other(&db).await;
    for script in [PLANNING, WORLD, "CREATE TEMP SEQUENCE young"] {
        run(&mut client, script).await;
    }
    run(&mut client, CLAIM).await;
    (db, client)
}

/// Takes 100 jobs behind this place; how many pages it looked at, and how many it took.
async fn claim(client: &mut PgConnection, after: &str) -> (u64, u64) {
    let statement = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE claim (1, 5, '{after}', 0, 9, '{{1}}', 100, 1)"
    );
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(statement))
        .persistent(false)
        .fetch_one(client)
        .await
        .unwrap();
    let plan = &plan[0]["Plan"];
    let pages = ["Shared Hit Blocks", "Shared Read Blocks"];
    (
        pages.iter().map(|name| plan[name].as_u64().unwrap()).sum(),
        plan["Actual Rows"].as_f64().unwrap() as u64,
    )
}

/// What a claim costs from the start of the queue; the first one of a session also reads the catalogue.
async fn cost(client: &mut PgConnection) -> u64 {
    let start = "00000000-0000-0000-0000-000000000000";
    claim(client, start).await;
    let (pages, taken) = claim(client, start).await;
    assert_eq!(taken, 100);
    pages
}

#[track_caller]
fn assert_alike(few: u64, many: u64) {
    // An index may be a level or two higher.
    assert!(many <= few * 2 + 20, "{few} pages were enough, and {many} are needed");
}

#[tokio::test]
async fn a_claim_looks_at_as_little_of_a_long_queue_as_of_a_short_one() {
    let (_db, mut client) = world().await;
    fill(&mut client, 1).await;
    let short = cost(&mut client).await;
    fill(&mut client, 50).await;
    run(
        &mut client,
        "INSERT INTO mindflight.scheduled
            (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique)
         SELECT gen_random_uuid(), now() + n * interval '1 s', 0, 1, 5, 1, 0, 0, 3, false
         FROM generate_series(1, 50000) AS n;
         INSERT INTO mindflight.outcome (job, state, kind, queue, attempt)
         SELECT gen_random_uuid(), 0, 1, 1, 1 FROM generate_series(1, 50000);
         ANALYZE mindflight.ready, mindflight.scheduled, mindflight.outcome",
    )
    .await;
    assert_alike(short, cost(&mut client).await);
}

/// Nothing that was deleted since somebody's snapshot can be cleared away, and the claim still begins where it stopped.
#[tokio::test]
async fn a_claim_behind_the_last_one_does_not_look_at_what_an_old_snapshot_keeps() {
    let (db, mut client) = world().await;
    fill(&mut client, 1).await;
    let before = cost(&mut client).await;
    let mut snapshot = other(&db).await;
    run(
        &mut snapshot,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mindflight.ready",
    )
    .await;
    fill(&mut client, 10).await;
    let mut after = "00000000-0000-0000-0000-000000000000".to_owned();
    let mut taken = 0;
    while taken < 10_000 {
        let (_, count) = claim(&mut client, &after).await;
        assert_eq!(count, 100);
        taken += count;
        let newest = "SELECT max(id::text) FROM mindflight.lease";
        after = sqlx::query_scalar(newest).fetch_one(&mut client).await.unwrap();
        run(&mut client, "DELETE FROM mindflight.lease").await;
    }
    run(&mut client, "VACUUM mindflight.ready").await;
    let (pages, count) = claim(&mut client, &after).await;
    assert_eq!(count, 100);
    assert_alike(before, pages);
    run(&mut snapshot, "COMMIT").await;
}

const END: &str =
    concat!("PREPARE finish AS ", include_str!("../../queries/jobs/succeeded_kept.sql"));

/// Leases 1 to 20, as they are taken.
const LEASE: &str = "
    INSERT INTO mindflight.lease (id, worker, queue, lane, kind, attempt, crashes, max_attempts, is_unique)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 1, 1, 5, 1, 1, 0, 3, false FROM generate_series(1, 20) AS n";

/// Ends those leases; how many pages it looked at.
async fn end(client: &mut PgConnection) -> u64 {
    let ids: Vec<String> = (1..=20).map(|number| format!("{number:032x}")).collect();
    let statement = format!(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE finish (1, '{{{}}}', 1::smallint, NULL, 'null')",
        ids.join(",")
    );
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(statement))
        .persistent(false)
        .fetch_one(&mut *client)
        .await
        .unwrap();
    let ended: i64 = sqlx::query_scalar("SELECT count(*) FROM mindflight.outcome")
        .persistent(false)
        .fetch_one(&mut *client)
        .await
        .unwrap();
    assert_eq!(ended, 20);
    run(client, "TRUNCATE mindflight.outcome").await;
    let pages = ["Shared Hit Blocks", "Shared Read Blocks"];
    pages.iter().map(|name| plan[0]["Plan"][name].as_u64().unwrap()).sum()
}

/// The plan was made while the table counted as empty, and still no end goes through all that is left of others.
#[tokio::test]
async fn an_end_does_not_look_at_leases_that_an_old_snapshot_keeps() {
    let (db, mut client) = world().await;
    run(&mut client, END).await;
    run(&mut client, LEASE).await;
    end(&mut client).await;
    run(&mut client, LEASE).await;
    let before = end(&mut client).await;
    let mut snapshot = other(&db).await;
    run(
        &mut snapshot,
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM mindflight.lease",
    )
    .await;
    run(
        &mut client,
        "INSERT INTO mindflight.lease (id, worker, queue, lane, kind, attempt, crashes, max_attempts, is_unique)
         SELECT gen_random_uuid(), 1, 1, 5, 1, 1, 0, 3, false FROM generate_series(1, 20000);
         DELETE FROM mindflight.lease",
    )
    .await;
    run(&mut client, "VACUUM ANALYZE mindflight.lease").await;
    run(&mut client, LEASE).await;
    let after = end(&mut client).await;
    assert_alike(before, after);
    run(&mut snapshot, "COMMIT").await;
}
