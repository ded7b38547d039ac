//! T14: what a tick and a read have to look at does not grow with the log.

use mindflight_testapp::TestDb;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::peers::PATIENCE;
use crate::rig::past;

const TICK: &str = include_str!("../../../store/queries/events/tick.sql");
const READ: &str = include_str!("../../../store/queries/events/read.sql");

/// As the ticker's session is.
const PLANNING: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
    SET enable_bitmapscan = off; SET jit = off";

/// How many pages a statement looks at.
async fn pages(client: &Client, statement: &str) -> u64 {
    let statement = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}");
    let answer = client.simple_query(&statement).await.unwrap();
    let text = answer.iter().find_map(|message| {
        if let SimpleQueryMessage::Row(row) = message { row.get(0) } else { None }
    });
    let text: Value = serde_json::from_str(text.unwrap()).unwrap();
    let plan = &text[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"]
        .iter()
        .map(|name| plan[name].as_u64().unwrap())
        .sum()
}

/// Ten events more.
async fn publish(client: &Client) {
    let statement = "INSERT INTO mindflight.event (type, source, data)
        SELECT 'test.x', 'test', to_json(n) FROM generate_series(1, 10) AS n";
    client.batch_execute(statement).await.unwrap();
}

/// What a tick of ten events, one of none, and a read of a hundred in the middle look at.
async fn costs(client: &Client) -> [u64; 3] {
    let head = "SELECT max(base + n) FROM mindflight.tick";
    let head: i64 = client.query_one(head, &[]).await.unwrap().get(0);
    let read = format!("EXECUTE read ({}, 100, 4194304)", head / 2);
    publish(client).await;
    let tick = "EXECUTE tick";
    // The first of a session also reads the catalogue.
    pages(client, &read).await;
    [pages(client, tick).await, pages(client, tick).await, pages(client, &read).await]
}

#[tokio::test]
async fn a_tick_and_a_read_look_at_as_little_of_a_long_log_as_of_a_short_one() {
    let db = TestDb::new().await;
    let client = past(&db).await;
    client.batch_execute(PLANNING).await.unwrap();
    for statement in [
        format!("PREPARE tick AS {TICK}"),
        format!("PREPARE read (bigint, bigint, bigint) AS {READ}"),
    ] {
        client.batch_execute(&statement).await.unwrap();
    }
    let fill = async |ticks: usize| {
        for _ in 0..ticks {
            publish(&client).await;
            client.batch_execute("EXECUTE tick").await.unwrap();
        }
        client.batch_execute("VACUUM ANALYZE mindflight.event, mindflight.tick").await.unwrap();
    };
    tokio::time::timeout(PATIENCE * 2, async {
        fill(40).await;
        let short = costs(&client).await;
        fill(1500).await;
        let long = costs(&client).await;
        for (short, long) in short.into_iter().zip(long) {
            // An index may be a level or two higher.
            assert!(long <= short * 2 + 20, "{short} pages were enough, and {long} are needed");
        }
    })
    .await
    .expect("it ends");
}
