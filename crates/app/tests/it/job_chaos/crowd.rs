//! Many jobs and several processes, with nobody in trouble.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mindflight_core::api::JobState;
use mindflight_testapp::Instance;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{Site, listed, many};
use crate::jobs::{made, made_all, setting};
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

/// Callers that each make one job after the other, as fast as they are answered.
const CALLERS: usize = 16;

const SINGLES: usize = 1500;

/// The job that all of them make.
fn nothing() -> Value {
    many(1, &json!({"kind": "demo.sleep", "args": {"ms": 0}})).remove(0)
}

/// An instance that makes jobs and runs them, with as much taken beforehand as ever.
///
/// It looks for work that nobody announced in an hour again: whatever it does not notice by itself, it never takes.
async fn unaided(site: &Site) -> Arc<Instance> {
    let change = |launch| {
        let launch = setting(launch, "WORKERS", "16");
        let launch = setting(launch, "POLL", "1h");
        setting(launch, "REPAIR", "1h")
    };
    Arc::new(site.with(change).await)
}

/// Makes singles from all callers at full speed, in turns at the instances, and then no more.
async fn make_singles(instances: &[Arc<Instance>]) {
    let (left, mut callers) = (Arc::new(AtomicUsize::new(SINGLES)), JoinSet::new());
    for number in 0..CALLERS {
        let (left, instance) = (left.clone(), instances[number % instances.len()].clone());
        let take = |left: usize| left.checked_sub(1);
        callers.spawn(async move {
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                made(&instance, &nothing()).await;
            }
        });
    }
    callers.join_all().await;
}

/// Other queues were seen to stop for good when who makes jobs and who runs them are at work together.
#[tokio::test]
async fn one_instance_runs_every_single_that_it_is_given_at_full_speed() {
    let site = Site::new().await;
    let instance = unaided(&site).await;
    make_singles(std::slice::from_ref(&instance)).await;
    site.all_succeed(SINGLES as u64).await;
}

#[tokio::test]
async fn two_instances_run_every_single_that_they_are_given_at_full_speed() {
    let site = Site::new().await;
    let instances = [unaided(&site).await, unaided(&site).await];
    make_singles(&instances).await;
    site.all_succeed(SINGLES as u64).await;
}
