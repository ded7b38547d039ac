//! T5: servers that hear nothing of each other, because what they listen on is cut again and again.

use std::cell::Cell;
use std::time::Instant;

use super::{PATIENCE, Site, counted_once, listed, many};
use crate::jobs::{count, counted, ended, made, made_all};
use crate::rig::eventually;

/// Fails if nobody listens.
const CUT: &str = "
    SELECT 1 / count(*) FILTER (WHERE pg_terminate_backend(pid))
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'mindflight-listen'";

/// Fails unless both servers listen.
const BOTH_LISTEN: &str = "
    SELECT 1 / (count(*) = 2)::int
    FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'mindflight-listen'";

#[tokio::test]
async fn jobs_that_others_make_are_found_while_listen_is_cut_again_and_again() {
    let site = Site::new().await;
    let (maker, runner) = (site.server(0).await, site.server(20).await);
    let (cuts, made_so_far) = (Cell::new(0), Cell::new(0));
    let cutting = async {
        let mut admin = site.admin().await;
        for _ in 0..20 {
            let end = Instant::now() + PATIENCE;
            // Once it is back, it is cut again.
            while admin.run(CUT).await.is_err() {
                assert!(Instant::now() < end, "{}", runner.log());
            }
            cuts.set(cuts.get() + 1);
        }
    };
    let making = async {
        let mut later = count("k");
        later["delay"] = serde_json::json!(0.05);
        let jobs = [many(4, &count("k")), many(1, &later)].concat();
        while cuts.get() < 20 {
            made_all(&maker, &jobs).await;
            made_so_far.set(made_so_far.get() + jobs.len());
        }
    };
    tokio::join!(making, cutting);
    let all = made_so_far.get();
    site.all_succeed(all as u64).await;
    counted_once(&listed(&maker).await);
    assert_eq!(counted(&maker, "k").await, all as i64);
    // They hear of each other again.
    let mut admin = site.admin().await;
    eventually(async || admin.run(BOTH_LISTEN).await.ok()).await;
    let id = made(&maker, &many(1, &count("k"))[0]).await;
    assert_eq!(ended(&maker, &id).await["state"], "succeeded");
}
