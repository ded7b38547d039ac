//! Failures are counted by what they have in common.

use std::collections::HashMap;
use std::time::Duration;

use mindflight_api::JobState;
use mindflight_api::error_group::ErrorGroup;
use mindflight_core::jobs::Options;
use mindflight_core::policy::{Backoff, Rate};
use mindflight_queue::{BackoffOverride, KindOverride, Settings};
use mindflight_store::job_views::{ErrorFilter, Filter};

use crate::bench::{Doomed, Fail, Flaky, Panic};
use crate::rig::{Rig, eventually, quick};

async fn groups(rig: &Rig) -> Vec<ErrorGroup> {
    rig.db.store().job_views().errors(&ErrorFilter::default(), 100).await.unwrap()
}

async fn group(rig: &Rig, code: &str) -> ErrorGroup {
    let mut found = groups(rig).await;
    found.retain(|group| group.code == code);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[tokio::test]
async fn what_fails_alike_is_one_group_with_all_its_attempts_and_jobs() {
    let rig = Rig::new().await;
    let failing = rig.engine.enqueue_all(30, |n| Fail { key: format!("fail {n}"), n }).await;
    let panics = rig.engine.enqueue_all(2, |n| Panic { key: format!("panic {n}"), n }).await;
    let flaky = rig.engine.enqueue_all(3, |n| Flaky { key: format!("flaky {n}"), n: 2 }).await;
    for job in failing.iter().chain(&panics) {
        rig.reaches(*job, JobState::Failed).await;
    }
    for job in &flaky {
        rig.reaches(*job, JobState::Succeeded).await;
    }
    let upstream = groups(&rig).await;
    let by_kind: HashMap<&str, &ErrorGroup> =
        upstream.iter().map(|group| (group.kind.as_str(), group)).collect();
    assert_eq!(by_kind.len(), 3, "{upstream:#?}");
    let fail = by_kind["bench.fail"];
    assert_eq!((fail.attempts, fail.jobs, fail.pattern.as_str()), (30, 30, "gone"));
    assert!(failing.contains(&fail.last_job) && fail.first_at <= fail.last_at);
    let flakes = by_kind["bench.flaky"];
    assert_eq!((flakes.attempts, flakes.jobs), (6, 0), "{flakes:?}");
    let panicked = group(&rig, "job_panicked").await;
    assert_eq!((panicked.attempts, panicked.jobs), (4, 2), "{panicked:?}");
    // The same word for another kind is another failure.
    assert_ne!(fail.fingerprint, flakes.fingerprint);
    let filter = Filter { error: Some(fail.fingerprint), ..Filter::default() };
    let listed = rig.db.store().job_views().list(&filter, 100, quick().dead_after).await.unwrap();
    assert_eq!((listed.items.len(), listed.scanned), (30, None));
    assert!(listed.items.iter().all(|job| job.fingerprint == Some(fail.fingerprint)));
    assert_eq!(rig.view(flaky[0]).await.unwrap().fingerprint, None);
    let ids = Some(vec![failing[7], panics[0], flaky[0]]);
    let among = Filter { ids, ..filter };
    let listed = rig.db.store().job_views().list(&among, 100, quick().dead_after).await.unwrap();
    assert_eq!(listed.items.iter().map(|job| job.id).collect::<Vec<_>>(), [failing[7]]);
}

#[tokio::test]
async fn a_lost_worker_is_a_failure_that_is_counted() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let job = second.enqueue(&Doomed { key: "doomed".to_owned(), n: 0 }).await;
    rig.starts(job, "doomed").await;
    drop(second);
    let _third = rig.second(quick()).await;
    let view = rig.reaches(job, JobState::Failed).await;
    let lost = group(&rig, "worker_lost").await;
    assert_eq!((lost.attempts, lost.jobs, lost.last_job), (1, 1, job));
    assert_eq!(view.fingerprint, Some(lost.fingerprint));
}

#[tokio::test]
async fn groups_that_were_not_seen_for_long_are_forgotten() {
    let rig = Rig::idle().await;
    let engine = rig.second(quick()).await;
    let job = engine.enqueue(&Fail { key: "fails".to_owned(), n: 0 }).await;
    rig.reaches(job, JobState::Failed).await;
    // It would keep house itself.
    engine.stop().await;
    let seen = group(&rig, "upstream_error").await.last_at;
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    assert_eq!(keeper.forget_errors(seen).await.unwrap(), 0);
    // Of too many, those that were seen last stay.
    rig.sql(
        "INSERT INTO mindflight.error_group \
         (fingerprint, kind, code, pattern, attempts, jobs, last_at, last_job) \
         SELECT number, 1, 'old', 'old', 1, 1, clock_timestamp() - interval '1 hour' - number * interval '1 s', \
            gen_random_uuid() \
         FROM generate_series(1, 10300) AS number",
    )
    .await;
    let ago = seen - chrono::TimeDelta::days(1);
    assert_eq!(keeper.forget_errors(ago).await.unwrap(), 301, "10,000 stay");
    assert_eq!(keeper.forget_errors(ago).await.unwrap(), 0);
    let long_ago = seen - chrono::TimeDelta::minutes(30);
    eventually("all but the newest are forgotten", async || {
        rig.db.store().jobs().keeper().unwrap().forget_errors(long_ago).await.unwrap() == 0
    })
    .await;
    assert_eq!(groups(&rig).await.len(), 1);
}

#[tokio::test]
async fn what_the_operator_says_of_a_kind_holds_instead_of_what_it_declared() {
    let said = KindOverride {
        max_attempts: Some(3),
        priority: Some(2),
        deadline: Some(Duration::from_secs(5)),
        concurrency: Some(4),
        rate: Some(Rate::new(1000, Duration::from_secs(1))),
        backoff: Some(BackoffOverride {
            steps: Some(vec![Duration::from_millis(1), Duration::from_millis(2)]),
            ..BackoffOverride::default()
        }),
    };
    let unknown = ("bench.flakey".to_owned(), KindOverride::default());
    let kinds = HashMap::from([("bench.flaky".to_owned(), said), unknown]);
    let rig = Rig::with(Settings { kinds, ..quick() }).await;
    assert_eq!(rig.engine.queue.idle_overrides(), ["bench.flakey"]);
    let kind = rig.engine.queue.kind("bench.flaky").unwrap();
    let Options { max_attempts, priority, concurrency, ref backoff, .. } = kind.kind.options;
    assert_eq!((max_attempts, priority, concurrency), (3, 2, Some(4)));
    let steps = [1, 2].map(Duration::from_millis);
    assert_eq!(backoff, &Backoff { jitter: 0.0, ..Backoff::steps(&steps) });
    let names = ["priority", "max_attempts", "backoff", "deadline", "concurrency", "rate"];
    assert_eq!(kind.overrides, names);
    assert!(rig.engine.queue.kind("bench.fail").unwrap().overrides.is_empty());
    let job = rig.engine.enqueue(&Flaky { key: "flaky".to_owned(), n: 9 }).await;
    let view = rig.reaches(job, JobState::Failed).await;
    assert_eq!((view.attempt, view.max_attempts, view.priority), (3, 3, 2));
}
