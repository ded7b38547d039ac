//! T21: what was restored elsewhere is another epoch, in which nothing is lost and no position is given twice.

use std::process::{Command, Stdio};

use mindflight_api::event::ResetReason;
use mindflight_core::ports::SystemClock;
use mindflight_embedded_postgres::{Cluster, Options};
use mindflight_events::{Item, Start};
use mindflight_store::{Settings, Store};
use mindflight_testapp::TestDb;
use std::sync::Arc;

use crate::peers::Peer;
use crate::rig::{connect, delivery, item, number, past, peer, polled, positions, publish, reader};

/// Events that nobody gives positions to.
const UNSEEN: &str = "INSERT INTO mindflight.event (type, source, data)
    SELECT 'test.unseen', 'test', to_json(n) FROM generate_series(1, 5) AS n";

/// A database's script, as `pg_dump` makes it; none where the program is not found.
fn dump(url: &str) -> Option<Vec<u8>> {
    let done = Command::new("pg_dump").arg("--no-owner").arg(url).output().ok()?;
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(done.stdout)
}

fn restore(url: &str, script: &[u8]) {
    use std::io::Write as _;
    let mut psql = Command::new("psql")
        .args(["-qX", "-v", "ON_ERROR_STOP=1", "-f", "-", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(script).unwrap();
    assert!(psql.wait().unwrap().success());
}

/// What every restored log has to be: five events with positions, five without, one more that was published before
/// anybody looked.
async fn assert_goes_on(url: &str, old_epoch: &str) {
    let client = connect(url).await;
    client
        .batch_execute(
            "INSERT INTO mindflight.event (type, source, data) VALUES ('test.early', 'test', '1')",
        )
        .await
        .unwrap();
    let store = Store::lazy(&Settings::new(url), Arc::new(SystemClock)).unwrap();
    let (one, two) = (Peer::start(&store, polled()), Peer::start(&store, polled()));
    let mut all = reader(&one, Start::Oldest);
    assert_eq!(positions(&mut all, 11).await, (1..=11).collect::<Vec<u64>>());
    assert_eq!(publish(&two, 0..3).await, 14);
    assert_eq!(positions(&mut all, 3).await, [12, 13, 14]);
    let head = two.log.head().await.unwrap();
    assert_ne!(head.epoch, old_epoch);
    let place = mindflight_api::event::Place { epoch: old_epoch.to_owned(), position: 3 };
    let mut old = reader(&two, Start::After(place));
    let Item::Reset(reset) = item(&mut old).await else { panic!("an event") };
    assert_eq!(reset.reason, ResetReason::Epoch);
    let twice = "SELECT count(*) FROM (SELECT unnest(seqs) AS seq FROM mindflight.tick) AS given
        GROUP BY seq ORDER BY 1 DESC LIMIT 1";
    assert_eq!(number(&client, twice).await, 1, "each event has one position");
}

#[tokio::test]
async fn a_dump_goes_on_in_another_database_and_in_another_cluster() {
    let db = TestDb::new().await;
    let one = peer(&db);
    publish(&one, 0..5).await;
    let epoch = one.log.head().await.unwrap().epoch;
    one.stop().await;
    past(&db).await.batch_execute(UNSEEN).await.unwrap();
    let Some(script) = dump(db.url()) else { return };

    let neighbour = TestDb::new().await;
    past(&neighbour).await.batch_execute("DROP SCHEMA mindflight CASCADE").await.unwrap();
    restore(neighbour.url(), &script);
    assert_goes_on(neighbour.url(), &epoch).await;

    // The same database, whose tables are others then.
    past(&db).await.batch_execute("DROP SCHEMA mindflight CASCADE").await.unwrap();
    restore(db.url(), &script);
    assert_goes_on(db.url(), &epoch).await;

    // A new cluster's transactions have small numbers, that those of the old one may have had.
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap();
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = Options { durable: false, ..Options::from_env(dir.join("cluster")) };
    let cluster = Cluster::open(&options).unwrap();
    let url = cluster.url("postgres");
    restore(&url, &script);
    assert_goes_on(&url, &epoch).await;
    cluster.stop().unwrap();
}

#[tokio::test]
async fn whoever_reads_when_the_log_moves_is_told_and_what_had_no_position_gets_one() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let mut seen = reader(&one, Start::Oldest);
    publish(&one, 0..3).await;
    assert_eq!(positions(&mut seen, 3).await, [1, 2, 3]);
    let mut client = past(&db).await;
    let open = client.transaction().await.unwrap();
    open.batch_execute(
        "INSERT INTO mindflight.event (type, source, data) VALUES ('test.late', 'test', '1')",
    )
    .await
    .unwrap();
    let other = past(&db).await;
    other.batch_execute("UPDATE mindflight.event_log SET home = 'elsewhere'").await.unwrap();
    // A new connection looks where it is.
    let two = peer(&db);
    let Item::Reset(reset) = item(&mut seen).await else { panic!("an event") };
    assert_eq!((reset.reason, reset.head.position), (ResetReason::Epoch, 3));
    open.commit().await.unwrap();
    let late = delivery(&mut seen).await;
    assert_eq!((late.position(), late.r#type()), (4, "test.late"));
    assert_eq!(publish(&two, 0..1).await, 5);
    assert_eq!(delivery(&mut seen).await.position(), 5);
    assert_eq!(one.log.head().await.unwrap().epoch, two.log.head().await.unwrap().epoch);
}
