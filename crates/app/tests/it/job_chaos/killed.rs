//! Processes that die without a word.

use mindflight_core::api::JobState;
use mindflight_testapp::{Launch, TestDb};
use serde_json::json;

use super::{QUEUE, Site, counted_once, described, listed, many};
use crate::jobs::{
    count, counted, ended, ends, is_final, made, made_all, once, running, setting, sleep, text,
    watchful,
};
use crate::rig::{eventually, faulty, start};
use crate::start::{open_folder, private};

/// Fails as long as nobody waits for a lock in this database.
const SOMEBODY_WAITS: &str = "
    SELECT 1 / count(*)
    FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// T1. All of them have begun, some are in the middle of their transactions.
#[tokio::test]
async fn two_hundred_running_jobs_count_once_each_when_their_instance_is_killed() {
    let site = Site::new().await;
    let first = site.server(200).await;
    // All come due while nobody can count.
    let mut job = count("k");
    job["delay"] = json!(0.5);
    made_all(&first, &many(200, &job)).await;
    let mut admin = site.admin().await;
    admin.run("BEGIN; LOCK TABLE mindflight.memory IN EXCLUSIVE MODE").await.unwrap();
    site.until(200, &[JobState::Running]).await;
    let mut other = site.admin().await;
    eventually(async || other.run(SOMEBODY_WAITS).await.ok()).await;
    // At once: an attempt that cannot get at the database for 5 s fails by itself.
    first.kill().await.unwrap();
    admin.run("ROLLBACK").await.unwrap();
    let second = site.server(200).await;
    site.all_succeed(200).await;
    assert_eq!(counted(&second, "k").await, 200);
    let jobs = described(&second).await;
    counted_once(&jobs);
    for job in &jobs {
        assert_eq!(ends(job), ["crashed", "succeeded"], "{job}");
    }
}

/// T1. At any point: some are done, some run, some wait.
#[tokio::test]
async fn jobs_count_once_each_when_one_instance_after_another_is_killed() {
    let site = Site::new().await;
    let mut victim = site.server(20).await;
    let second = site.server(2).await;
    made_all(&second, &many(400, &count("k"))).await;
    for done in [40, 120, 200] {
        site.until(done, &[JobState::Succeeded]).await;
        victim.kill().await.unwrap();
        victim = site.server(20).await;
    }
    site.all_succeed(400).await;
    assert_eq!(counted(&second, "k").await, 400);
    counted_once(&listed(&second).await);
}

/// Nobody else can hold the folder: its next holder need not wait until the last one counts as dead.
#[tokio::test]
async fn jobs_of_a_killed_development_server_run_again_as_soon_as_it_is_back() {
    let folder = open_folder();
    let dir = folder.path().join("data");
    let slow = |launch| {
        let launch = setting(launch, "FENCE_AFTER", "9m");
        setting(launch, "DEAD_AFTER", "10m")
    };
    let server = start(slow(private(&dir))).await;
    let id = made(&server, &sleep(600_000)).await;
    running(&server, &id).await;
    server.kill().await.unwrap();
    let server = start(slow(private(&dir))).await;
    let job = once(&server, &id, |job| job["attempt"] == 2 && job["state"] == "running").await;
    assert_eq!(ends(&job), ["crashed", "running"], "{job}");
    crate::jobs::acted(&server, &id, "cancel").await;
    let job = ended(&server, &id).await;
    assert_eq!(ends(&job), ["crashed", "cancelled"], "{job}");
    server.terminate().await.unwrap();
}

/// T9. Who ran beside it is not charged, and it is given up once it has killed a process that ran nothing else.
#[tokio::test]
async fn a_job_that_kills_its_process_is_given_up_and_the_others_are_done() {
    let (db, folder) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let dir = folder.path().to_str().unwrap();
    let launch = || {
        let launch = watchful(Launch::dev(&faulty(), db.url(), dir));
        setting(launch, "WORKERS", "8")
            .env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms")
            .env("MINDFLIGHT_PROVIDERS__THIEF__ENABLED", "false")
    };
    let mut server = start(launch()).await;
    // They take a while for each other, so that some run when the process dies.
    let mut jobs = many(20, &sleep(50));
    let poison = json!({"kind": "good.abort", "queue": QUEUE, "priority": 4, "delay": 0.1});
    jobs.push(poison);
    let ids = made_all(&server, &jobs).await;
    let (poison, good) = ids.split_last().unwrap();
    let (mut deaths, path) = (0, format!("/api/jobs/{poison}?wait=20"));
    let job = loop {
        match server.call("GET", &path).try_send().await {
            Ok(answer) if answer.status == 200 && is_final(&answer.body) => break answer.body,
            Ok(_) => {}
            Err(_) => {
                let (status, log) = server.wait().await.unwrap();
                assert!(!status.success(), "{log}");
                deaths += 1;
                server = loop {
                    match launch().start().await {
                        Ok(server) => break server,
                        // Taken over and run before anybody could ask for it.
                        Err(_) => deaths += 1,
                    }
                };
            }
        }
    };
    assert_eq!((&job["state"], &job["error"]["code"]), (&json!("failed"), &json!("worker_lost")));
    // At first in company, then alone until it has had enough.
    assert!((2..=4).contains(&deaths), "{deaths}: {job}");
    for id in good {
        let job = ended(&server, id).await;
        assert_eq!(job["state"], "succeeded", "{job}");
    }
    assert!(text(&job["reason"]).contains("worker_lost"), "{job}");
}
