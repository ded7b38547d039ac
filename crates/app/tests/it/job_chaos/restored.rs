//! T21: a dump of the database goes on elsewhere.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use mindflight_core::api::JobState;
use mindflight_embedded_postgres::{Options, find};
use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use mindflight_testapp::TestDb;
use serde_json::json;

use super::{Site, many};
use crate::jobs::{
    acted, count, counted, ended, ends, items, job, made, made_all, once, running, setting, sleep,
    text,
};

/// A program that comes with PostgreSQL; none where it was not installed with the server.
fn program(name: &str) -> Option<PathBuf> {
    let search = find::installations(&Options::from_env(std::env::temp_dir()));
    search.found.iter().map(|found| found.bin_dir.join(name)).find(|path| path.is_file())
}

fn dump(url: &str) -> Option<Vec<u8>> {
    let done = Command::new(program("pg_dump")?).arg("--no-owner").arg(url).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(done.stdout)
}

fn restore(url: &str, script: &[u8]) {
    let mut psql = Command::new(program("psql").unwrap())
        .args(["-qX", "-v", "ON_ERROR_STOP=1", "-f", "-", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(script).unwrap();
    assert!(psql.wait().unwrap().success());
}

#[tokio::test]
async fn jobs_of_a_restored_dump_go_on_and_readers_are_told() {
    let site = Site::new().await;
    let first = site.server(1).await;
    let done = made(&first, &many(1, &count("k"))[0]).await;
    ended(&first, &done).await;
    let long = made(&first, &many(1, &sleep(600_000))[0]).await;
    running(&first, &long).await;
    let queued = made_all(&first, &many(3, &count("k"))).await;
    let mut later = count("k");
    later["delay"] = json!(3600);
    let later = made(&first, &many(1, &later)[0]).await;
    let place = text(&first.get("/api/events?limit=1").await.ok()["head"]).to_owned();
    let Some(script) = dump(&site.url) else { return };
    // What happens after the dump is not in it.
    made_all(&first, &many(5, &count("k"))).await;
    first.kill().await.unwrap();

    let db = TestDb::new().await;
    let mut admin = Admin::connect(&Settings::new(db.url())).await.unwrap();
    admin.run("DROP SCHEMA mindflight CASCADE").await.unwrap();
    restore(db.url(), &script);
    let restored = Site {
        url: db.url().to_owned(),
        key: site.key.clone(),
        store: db.store().clone(),
        _db: Some(db),
    };
    let next = restored.with(|launch| setting(launch, "WORKERS", "5")).await;
    for id in &queued {
        let job = ended(&next, id).await;
        // The first server may have taken it already; it had not started it.
        assert_eq!(job["state"], "succeeded", "{job}");
    }
    let again = once(&next, &long, |job| job["attempt"] == 2 && job["state"] == "running").await;
    assert_eq!(ends(&again), ["crashed", "running"], "{again}");
    acted(&next, &long, "cancel").await;
    assert_eq!(ends(&ended(&next, &long).await), ["crashed", "cancelled"]);
    let done = job(&next, &done).await;
    assert_eq!((&done["state"], &done["attempt"]), (&json!("succeeded"), &json!(1)), "{done}");
    assert_eq!(job(&next, &later).await["state"], "scheduled");
    assert_eq!(counted(&next, "k").await, 4);
    assert_eq!(restored.count(&JobState::ALL).await, 6);
    assert_eq!(restored.store.job_views().misplaced().await.unwrap(), []);

    // Their places are those of another history.
    let page = next.get(&format!("/api/events?after={place}&limit=1")).await.ok();
    assert_eq!(page["reset"]["reason"], "epoch", "{page}");
    assert!(!items(&next.get("/api/events?limit=10").await.ok()).is_empty());
    next.terminate().await.unwrap();
}
