//! Databases that cut the LISTEN connections, or go down and come back.

use std::cell::Cell;
use std::time::Instant;

use mindflight_embedded_postgres::Cluster;
use mindflight_store::Settings;
use mindflight_store::admin::Admin;

use super::{Crowd, PATIENCE};
use crate::job_chaos::cut::{open, shut_down_at_once};
use crate::rig::eventually;
use crate::start::open_folder;

/// Fails if nobody listens.
const CUT: &str = "
    SELECT 1 / count(*) FILTER (WHERE pg_terminate_backend(pid))
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'mindflight-listen'";

/// Fails unless every server listens.
const ALL_LISTEN: &str = "
    SELECT 1 / (count(*) = 3)::int
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'mindflight-listen'";

/// T5. Hints are lost with every cut, events are not.
#[tokio::test]
async fn every_subscriber_sees_every_event_once_while_listen_is_cut_again_and_again() {
    let crowd = Crowd::new().await;
    let readers = crowd.readers(2).await;
    let cuts = Cell::new(0);
    let cutting = async {
        let mut admin = crowd.admin().await;
        for _ in 0..20 {
            let end = Instant::now() + PATIENCE;
            // Once it is back, it is cut again.
            while admin.run(CUT).await.is_err() {
                assert!(Instant::now() < end, "{}", crowd.servers[0].log());
            }
            cuts.set(cuts.get() + 1);
        }
    };
    let (published, ()) = tokio::join!(crowd.publish_while(|| cuts.get() < 20), cutting);
    crowd.all_see(&readers, &published).await;
    let mut admin = crowd.admin().await;
    eventually(async || admin.run(ALL_LISTEN).await.ok()).await;
    // Nobody was sent away for it.
    for reader in &readers {
        reader.connected(1).await;
    }
}

/// T4. What was acknowledged is there, and positions go on where they were.
#[tokio::test]
async fn every_subscriber_sees_every_event_once_when_the_database_was_restarted() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let cluster = open(&dir);
    let mut admin = Admin::connect(&Settings::new(cluster.url("postgres"))).await.unwrap();
    admin.create_database("events", None).await.unwrap();
    drop(admin);
    let crowd = Crowd::on(&cluster.url("events")).await;
    let readers = crowd.readers(1).await;
    let restarts = Cell::new(0);
    let restarting = async {
        let mut cluster: Cluster = cluster;
        for _ in 0..2 {
            // Something is under way whenever it goes down.
            readers[0].until(crowd.mark().await).await;
            shut_down_at_once(cluster);
            cluster = open(&dir);
            eventually(async || {
                let answer = crowd.servers[0].get("/api/events?limit=1").await;
                (answer.status == 200).then_some(())
            })
            .await;
            restarts.set(restarts.get() + 1);
        }
        cluster
    };
    let (published, cluster) = tokio::join!(crowd.publish_while(|| restarts.get() < 2), restarting);
    crowd.all_see(&readers, &published).await;
    drop(readers);
    for server in crowd.servers {
        server.terminate().await.unwrap();
    }
    cluster.stop().unwrap();
}
