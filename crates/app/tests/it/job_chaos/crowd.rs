//! Many jobs and several processes, with nobody in trouble.

use mindflight_core::api::JobState;
use mindflight_testapp::Instance;
use serde_json::json;

use super::{Site, listed, many};
use crate::jobs::{made_all, setting};
use crate::rig::faulty;

/// Attempts that a process says it has ended well.
async fn attempts(server: &Instance) -> u64 {
    let metrics = server.get("/metrics").await.text;
    let name = "mindflight_job_attempts_total{kind=\"good.nothing\",outcome=\"succeeded\"} ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.map(|count| count.parse().unwrap()).unwrap_or_default()
}

async fn server(site: &Site) -> Instance {
    let change =
        |launch| setting(launch, "WORKERS", "16").env("MINDFLIGHT_CALLS__BUILD_TIMEOUT", "200ms");
    site.of(&faulty(), change).await
}

/// No job is started twice without a crash on record (T1, T12).
#[tokio::test]
async fn two_instances_race_for_ten_thousand_jobs_and_each_runs_once() {
    let site = Site::new().await;
    let (first, second) = (server(&site).await, server(&site).await);
    let nothing = many(1000, &json!({"kind": "good.nothing"}));
    let fill = async |server: &Instance| {
        for _ in 0..5 {
            made_all(server, &nothing).await;
        }
    };
    tokio::join!(fill(&first), fill(&second));
    site.all_succeed(10_000).await;
    let jobs = listed(&first).await;
    assert_eq!(jobs.len(), 10_000);
    assert!(jobs.iter().all(|job| job["attempt"] == 1 && job["state"] == "succeeded"));
    let (one, other) = (attempts(&first).await, attempts(&second).await);
    assert_eq!(one + other, 10_000, "{one} and {other}");
    assert!(one > 0 && other > 0, "{one} and {other}");
}

/// T14, in small: whoever makes jobs all the time does not keep those who run them from taking more.
#[tokio::test]
async fn jobs_are_taken_while_others_are_made_all_the_time() {
    let site = Site::new().await;
    let (maker, _worker) = (site.server(0).await, server(&site).await);
    let (batches, size) = (60, 50);
    let batch = many(size, &json!({"kind": "demo.sleep", "args": {"ms": 0}}));
    let mut seen = 0;
    for _ in 0..batches {
        made_all(&maker, &batch).await;
        seen = seen.max(site.count(&[JobState::Succeeded]).await);
    }
    assert!(seen > 0, "nothing ran while jobs were made");
    site.all_succeed((batches * size) as u64).await;
}
