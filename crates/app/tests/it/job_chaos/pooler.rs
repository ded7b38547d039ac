//! T17: servers whose database is behind a pooler that lends a session for one transaction.

use mindflight_testapp::{Instance, TestDb};
use serde_json::json;

use super::pool::Pooler;
use super::{QUEUE, Site, counted_once, listed, many};
use crate::jobs::{count, counted, ended, made, made_all, sleep};

/// What the log says of an address that delivers no notifications.
const DEAF: &str = "does not deliver notifications";

/// Jobs that end in a transaction of their handler, and jobs that do not.
async fn work(site: &Site, server: &Instance) {
    made_all(server, &many(30, &count("k"))).await;
    made_all(server, &many(10, &sleep(1))).await;
    for _ in 0..10 {
        made(server, &many(1, &count("k"))[0]).await;
    }
    site.all_succeed(50).await;
    let mut jobs = listed(server).await;
    jobs.retain(|job| job["kind"] == "demo.count");
    counted_once(&jobs);
    assert_eq!(counted(server, "k").await, 40);
    // A key is one job here as well.
    let unique =
        json!({"kind": "demo.sleep", "args": {"ms": 50}, "unique_key": "one", "queue": QUEUE});
    let (one, other) = tokio::join!(made(server, &unique), made(server, &unique));
    assert_eq!(one, other);
    assert_eq!(ended(server, &one).await["state"], "succeeded");
}

async fn site() -> (Site, Pooler) {
    let db = TestDb::new().await;
    let pooler = Pooler::new(&db).await;
    // The key is made through the pooler, too.
    drop(Site::on(pooler.url()).await);
    let site = Site::on(db.url()).await;
    (Site { _db: Some(db), ..site }, pooler)
}

#[tokio::test]
async fn jobs_run_behind_a_pooler_whose_server_can_be_reached_past_it() {
    let (site, pooler) = site().await;
    let url = site.url.clone();
    let server = site
        .with(|launch| launch.env("DATABASE_URL", pooler.url()).env("DATABASE_DIRECT_URL", &url))
        .await;
    let before = pooler.lent();
    work(&site, &server).await;
    assert!(pooler.lent() > before, "nothing went through the pooler");
    assert!(!server.log().contains(DEAF), "{}", server.log());
}

#[tokio::test]
async fn jobs_run_behind_a_pooler_alone_and_the_log_says_what_is_missing() {
    let (site, pooler) = site().await;
    let server = site.with(|launch| launch.env("DATABASE_URL", pooler.url())).await;
    work(&site, &server).await;
    server.wait_for_log(DEAF).await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains(DEAF)).unwrap();
    assert!(line.contains("DATABASE_DIRECT_URL"), "{line}");
}
