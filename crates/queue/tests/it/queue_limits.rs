//! Limits of queues, and pauses that end by themselves.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_api::JobState;
use mindflight_store::job_views::{QueueLimits, Until};

use crate::bench::{Crowd, Note, Wait};
use crate::rig::{Engine, Rig, eventually, quick, record};

const SLOTS: Option<Option<u32>> = Some(Some(2));

fn crowd(number: usize) -> Crowd {
    Crowd { key: number.to_string(), n: number }
}

/// Gives the queue of the bench other limits, as the server does.
async fn limit(rig: &Rig, engine: &Engine, limits: QueueLimits) {
    engine.queue.number_of("bench").await.unwrap();
    let views = rig.db.store().job_views();
    let number = views.limit_queue("bench", &limits, &record()).await.unwrap();
    engine.queue.limits_changed();
    engine.queue.wake(number.as_slice());
}

fn rate(text: &str) -> QueueLimits {
    QueueLimits { rate: Some(Some(text.parse().unwrap())), ..QueueLimits::default() }
}

/// T11: none of the engines knows what the others have taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_runs_so_many_at_once_over_all_engines() {
    let rig = Rig::idle().await;
    limit(&rig, &rig.engine, QueueLimits { slots: SLOTS, ..QueueLimits::default() }).await;
    let (one, other) = (rig.second(quick()).await, rig.second(quick()).await);
    let (here, there) = tokio::join!(one.enqueue_all(40, crowd), other.enqueue_all(40, crowd));
    assert_eq!(here.len() + there.len(), 80);
    rig.succeed(80).await;
    let most = rig.engine.seen.most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_starts_so_many_in_time_over_all_engines() {
    let rig = Rig::idle().await;
    limit(&rig, &rig.engine, rate("5/1h")).await;
    let (one, other) = (rig.second(quick()).await, rig.second(quick()).await);
    let note = |number: usize| Note { key: number.to_string(), n: 0 };
    let (here, _) = tokio::join!(one.enqueue_all(10, note), other.enqueue_all(10, note));
    eventually("as many as may have started", async || rig.count(JobState::Succeeded).await == 5)
        .await;
    let mut held = None;
    for job in here.iter().rev() {
        held = held.or(rig.view(*job).await.filter(|view| view.state == JobState::Queued));
    }
    let reason = held.and_then(|view| view.reason).unwrap();
    let words = "held by the rate of the queue `bench`: 5 an hour; the next may start at ";
    assert!(reason.starts_with(words), "{reason}");
    // As if 25 minutes had passed: that is two of five an hour.
    rig.sql("UPDATE mindflight.queue SET tokens_at = tokens_at - interval '25 minutes'").await;
    one.queue.limits_changed();
    eventually("two more", async || rig.count(JobState::Succeeded).await == 7).await;
    limit(&rig, &other, QueueLimits { rate: Some(None), ..QueueLimits::default() }).await;
    rig.succeed(20).await;
}

/// Nobody says that the time has come.
#[tokio::test]
async fn what_the_rate_of_a_queue_holds_starts_once_its_time_has_come() {
    let rig = Rig::idle().await;
    limit(&rig, &rig.engine, rate("2/20ms")).await;
    let engine = rig.second(quick()).await;
    let jobs = engine.enqueue_all(12, |number| Note { key: number.to_string(), n: 0 }).await;
    rig.succeed(12).await;
    let (mut made, mut started) = (Vec::new(), Vec::new());
    for job in jobs {
        let view = rig.view(job).await.unwrap();
        made.push(view.created_at);
        started.push(view.started_at.unwrap());
    }
    let took = *started.iter().max().unwrap() - *made.iter().min().unwrap();
    assert!(took.num_milliseconds() >= 9 * 10, "{took}");
}

/// T12: slots of a queue are counted from what runs.
#[tokio::test]
async fn slots_of_a_queue_come_back_from_a_worker_that_dies() {
    let rig = Rig::idle().await;
    let slots = Some(Some(1));
    limit(&rig, &rig.engine, QueueLimits { slots, ..QueueLimits::default() }).await;
    let second = rig.second(quick()).await;
    let wait = |key: &str| Wait { key: key.to_owned(), n: 0 };
    let lost = second.enqueue(&wait("lost")).await;
    rig.starts(lost, "lost").await;
    let next = second.enqueue(&wait("next")).await;
    let reason = rig.view(next).await.unwrap().reason.unwrap();
    assert_eq!(reason, "at the limit of the queue `bench`: 1 of 1 running");
    drop(second);
    let third = rig.second(quick()).await;
    // The handler of the dead one may still take some.
    rig.engine.gate.add_permits(9);
    rig.reaches(lost, JobState::Succeeded).await;
    rig.reaches(next, JobState::Succeeded).await;
    third.stop().await;
    rig.assert_placed().await;
}

/// A limit that comes while jobs run holds the next ones, and one that goes lets them start.
#[tokio::test]
async fn engines_hear_of_other_limits_while_they_run() {
    let rig = Rig::new().await;
    let wait = |number: usize| Wait { key: number.to_string(), n: 0 };
    let slots = |slots| QueueLimits { slots: Some(slots), ..QueueLimits::default() };
    let first = rig.engine.enqueue_all(2, wait).await;
    for job in &first {
        rig.reaches(*job, JobState::Running).await;
    }
    limit(&rig, &rig.engine, slots(Some(2))).await;
    eventually("it is known", async || rig.engine.queue.is_limited(1)).await;
    let next = rig.engine.enqueue_all(3, wait).await;
    let options = mindflight_core::ports::EnqueueOptions {
        queue: Some("other".to_owned()),
        ..Default::default()
    };
    let free = rig.engine.enqueue_with(&Note { key: "f".to_owned(), n: 0 }, options).await;
    rig.reaches(free, JobState::Succeeded).await;
    assert_eq!(rig.count(JobState::Queued).await, 3);
    limit(&rig, &rig.engine, slots(None)).await;
    for job in &next {
        rig.reaches(*job, JobState::Running).await;
    }
    rig.engine.gate.add_permits(5);
    rig.succeed(6).await;
}

#[tokio::test]
async fn a_pause_with_an_end_ends_by_itself() {
    let rig = Rig::new().await;
    let note = |key: &str| Note { key: key.to_owned(), n: 0 };
    let first = rig.engine.enqueue(&note("first")).await;
    rig.reaches(first, JobState::Succeeded).await;
    let views = rig.db.store().job_views();
    let pause = async |until| {
        views.pause_queue("bench", (Some("maintenance"), Some(until)), &record()).await.unwrap();
        rig.engine.queue.limits_changed();
    };
    pause(Until::After(Duration::from_secs(3600))).await;
    let waits = rig.engine.enqueue(&note("waits")).await;
    let reason = rig.view(waits).await.unwrap().reason.unwrap();
    assert!(reason.contains(" UTC until ") && reason.ends_with(": maintenance"), "{reason}");
    pause(Until::After(Duration::from_millis(50))).await;
    rig.reaches(waits, JobState::Succeeded).await;
    let queue = views.queue("bench", Duration::from_secs(20)).await.unwrap().unwrap();
    assert_eq!((queue.paused_at, queue.paused_until, queue.pause_reason), (None, None, None));
    // A keeper puts that into the table, too.
    rig.db.store().jobs().keeper().unwrap().promote(1).await.unwrap();
    let cleared = "DO $$ BEGIN IF EXISTS (
        SELECT FROM mindflight.queue WHERE paused_at IS NOT NULL
    ) THEN RAISE EXCEPTION 'still paused'; END IF; END $$";
    rig.sql(cleared).await;
    rig.assert_placed().await;
}
