//! Lists and counts read a bounded number of rows, however many jobs there are. Counted in rows, never in time.

use mindflight_testapp::TestDb;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::past::{other, run};

const FIND: &str = include_str!("../../../queries/job_views/find.sql");
const COUNT: &str = include_str!("../../../queries/job_views/count.sql");
const QUEUES: &str = include_str!("../../../queries/job_views/queues.sql");

/// As in the transactions of lists and counts.
const PLANNING: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// 120,000 jobs that wait, 60,000 that have ended, and 20,000 that are not due or wait for a limit.
const WORLD: &str = "
    INSERT INTO mindflight.queue (name) SELECT 'q' || n FROM generate_series(1, 10) AS n;
    INSERT INTO mindflight.kind (name) SELECT 'p' || n % 5 || '.k' || n FROM generate_series(1, 20) AS n;
    INSERT INTO mindflight.queue_kind (queue, kind)
    SELECT 1 + n % 10, 1 + n % 20 FROM generate_series(0, 19) AS n;
    INSERT INTO mindflight.gate (name, slots) VALUES ('g', 1);
    CREATE TEMP TABLE made AS
    SELECT n, (lpad(to_hex(1700000000000 + n), 12, '0') || '7000' || '8' || substr(md5(n::text), 1, 15))::uuid AS id
    FROM generate_series(0, 199999) AS n;
    INSERT INTO mindflight.job (id, kind, queue, priority, max_attempts, args, meta)
    SELECT id, 1 + n % 20, 1 + n % 10, 5, 3, '{\"n\":1}', CASE WHEN n % 100 = 0 THEN '{\"tags\":[\"rare\"]}'::jsonb END
    FROM made;
    INSERT INTO mindflight.ready (queue, lane, id, kind, attempt, crashes, max_attempts, is_unique)
    SELECT 1 + n % 10, 5, id, 1 + n % 20, 0, 0, 3, false FROM made WHERE n / 10 % 10 < 6;
    INSERT INTO mindflight.outcome (job, state, kind, queue, attempt)
    SELECT id, greatest(n / 100 % 10 - 7, 0), 1 + n % 20, 1 + n % 10, 1 FROM made WHERE n / 10 % 10 BETWEEN 6 AND 8;
    INSERT INTO mindflight.scheduled (id, run_at, why, queue, lane, kind, attempt, crashes, max_attempts, is_unique)
    SELECT id, now() + interval '1 day', n % 2, 1 + n % 10, 5, 1 + n % 20, 0, 0, 3, false
    FROM made WHERE n / 10 % 10 = 9 AND n < 100000;
    INSERT INTO mindflight.blocked (gate, lane, id, queue, kind, attempt, crashes, max_attempts, is_unique)
    SELECT 1, 5, id, 1 + n % 10, 1 + n % 20, 0, 0, 3, false FROM made WHERE n / 10 % 10 = 9 AND n >= 100000;
    ANALYZE";

async fn world() -> (TestDb, PgConnection) {
    let db = TestDb::new().await;
    let mut client = other(&db).await;
    run(&mut client, WORLD).await;
    (db, client)
}

/// The plan of a statement with these values, as it was run.
async fn plan(client: &mut PgConnection, statement: &str, values: &str) -> Value {
    let script = format!("DEALLOCATE ALL; PREPARE s AS {statement}");
    sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *client).await.unwrap();
    let explain = format!("EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) EXECUTE s ({values})");
    let plan: Value = sqlx::query_scalar(AssertSqlSafe(explain))
        .persistent(false)
        .fetch_one(client)
        .await
        .unwrap();
    plan[0]["Plan"].clone()
}

/// How many rows of this table's name were read, and whether all of it was.
fn read(plan: &Value, table: &str, whole: &mut bool) -> f64 {
    let below: f64 =
        plan["Plans"].as_array().into_iter().flatten().map(|one| read(one, table, whole)).sum();
    let name = plan["Relation Name"].as_str().unwrap_or_default();
    if name != table && !name.starts_with(&format!("{table}_")) {
        return below;
    }
    let number = |member: &str| plan[member].as_f64().unwrap_or_default();
    let rows = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    *whole |= plan["Node Type"] == "Seq Scan" && number("Actual Loops") > 0.0 && rows > 50_000.0;
    below + rows
}

#[track_caller]
fn assert_bounded(plan: &Value, most: f64, what: &str) {
    for table in ["job", "ready", "outcome", "scheduled", "blocked", "lease"] {
        let mut whole = false;
        let rows = read(plan, table, &mut whole);
        assert!(!whole, "{what} reads all of `{table}`: {plan:#}");
        assert!(rows <= most, "{what} reads {rows} rows of `{table}`: {plan:#}");
    }
}

/// The values of a look at 512 candidates: states, then the rest of the filter.
fn look(states: &str, named: &str, rest: [&str; 3]) -> String {
    let [kind, queue, tag] = rest;
    format!(
        "'ffffffff-ffff-ffff-ffff-ffffffffffff', '00000000-0000-0000-0000-000000000000', 512, '{states}', {named},
        {kind}, NULL, {queue}, {tag}, NULL, NULL, NULL, NULL, 512"
    )
}

#[tokio::test]
async fn a_list_reads_no_more_than_it_looks_at() {
    let (_db, mut client) = world().await;
    run(&mut client, PLANNING).await;
    let none = "NULL";
    for states in
        ["{}", "{0}", "{1}", "{2}", "{3}", "{4}", "{5}", "{6}", "{7}", "{0,1,2,3,4}", "{5,6,7}"]
    {
        for rest in [
            [none, none, none],
            ["'p1.k1'", none, none],
            [none, "'q3'", none],
            [none, none, "'rare'"],
            ["'p1.k1'", "'q2'", none],
            [none, "'q3'", "'rare'"],
        ] {
            let plan = plan(&mut client, FIND, &look(states, "NULL", rest)).await;
            // Ten queues; what has ended is merged of its states and partitions, and filtered by state.
            assert_bounded(&plan, 8_000.0, &format!("{states} {rest:?}"));
        }
    }
    // However many were cancelled after them.
    run(&mut client, "UPDATE mindflight.outcome SET state = 2").await;
    let plan = plan(&mut client, FIND, &look("{5}", "NULL", [none, none, none])).await;
    assert_bounded(&plan, 8_000.0, "none has succeeded");
}

#[tokio::test]
async fn counts_and_queues_look_at_so_many_of_each_state() {
    let (_db, mut client) = world().await;
    run(&mut client, PLANNING).await;
    for values in
        ["NULL, NULL, NULL", "'p1.k1', NULL, NULL", "NULL, 'p1', NULL", "NULL, NULL, 'q3'"]
    {
        let plan = plan(&mut client, COUNT, &format!("{values}, 10001")).await;
        assert_bounded(&plan, 45_000.0, values);
    }
    for name in ["NULL", "'q3'"] {
        let plan = plan(&mut client, QUEUES, &format!("{name}, 20")).await;
        assert_bounded(&plan, 110_000.0, name);
    }
}
