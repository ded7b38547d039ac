//! What becomes of what is old.

use std::time::Duration;

use chrono::{Days, TimeDelta};
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::{Clock as _, EnqueueOptions, SystemClock};
use mindflight_queue::Settings;
use mindflight_store::jobs::{Expired, Kept, Marks};

use crate::bench::{Flaky, Note, Talk};
use crate::rig::{Engine, Rig, eventually, quick};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

#[tokio::test]
async fn days_are_made_ahead_and_dropped_without_what_is_unfinished() {
    let rig = Rig::idle().await;
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    let (now, past) = (SystemClock.now(), SystemClock.now() - TimeDelta::days(14));
    // Today's were made with the tables.
    let (today, later) = (now.date_naive(), now + TimeDelta::days(30));
    let done = keeper.partitions(later, past).await.unwrap();
    assert!(done.made.contains(&later.date_naive()) && done.made.len() == 4, "{done:?}");
    assert_eq!(keeper.partitions(later, past).await.unwrap(), Default::default());
    keeper.partitions(now, past).await.unwrap();
    let engine = rig.second(quick()).await;
    let ended = engine.enqueue(&note("ended")).await;
    let talked = engine.enqueue(&Talk { key: "t".to_owned(), n: 3 }).await;
    for job in [ended, talked] {
        rig.reaches(job, JobState::Succeeded).await;
    }
    let options =
        EnqueueOptions { delay: Some(Duration::from_secs(3600)), ..EnqueueOptions::default() };
    let later = engine.enqueue_with(&note("later"), options).await;
    let slow = EnqueueOptions { max_attempts: Some(9), ..Default::default() };
    let flaky = engine.enqueue_with(&Flaky { key: "flaky".to_owned(), n: 1 }, slow).await;
    rig.reaches(flaky, JobState::Succeeded).await;
    let after = now.checked_add_days(Days::new(2)).unwrap();
    let done = keeper.partitions(now, after).await.unwrap();
    assert!(done.dropped.contains(&today), "{done:?}");
    for job in [ended, talked, flaky] {
        assert!(rig.view(job).await.is_none());
    }
    assert_eq!(rig.state(later).await, Some(JobState::Scheduled));
    rig.assert_placed().await;
    // It ends, and then it is old as well.
    rig.sql("UPDATE mindflight.scheduled SET run_at = clock_timestamp()").await;
    rig.reaches(later, JobState::Succeeded).await;
    keeper.partitions(now, after).await.unwrap();
    assert!(rig.view(later).await.is_none(), "it is swept");
    rig.assert_placed().await;
    let next = engine.enqueue(&note("next")).await;
    rig.reaches(next, JobState::Succeeded).await;
}

/// A job of `queue` that has ended.
async fn ended(rig: &Rig, engine: &Engine, queue: &str, key: &str) -> JobId {
    let options = EnqueueOptions { queue: Some(queue.to_owned()), ..Default::default() };
    let job = engine.enqueue_with(&note(key), options).await;
    rig.reaches(job, JobState::Succeeded).await;
    job
}

#[tokio::test]
async fn a_queue_keeps_its_ended_jobs_as_long_as_it_says() {
    let rig = Rig::idle().await;
    let engine = rig.second(quick()).await;
    let (now, day) = (SystemClock.now(), Duration::from_secs(86_400));
    let options = || EnqueueOptions { queue: Some("short".to_owned()), ..Default::default() };
    // Made before all others.
    let delay = Some(Duration::from_secs(3600));
    let later = engine.enqueue_with(&note("l"), EnqueueOptions { delay, ..options() }).await;
    let (kept_long, short) =
        (ended(&rig, &engine, "bench", "a").await, ended(&rig, &engine, "short", "b").await);
    let talked = engine.enqueue_with(&Talk { key: "t".to_owned(), n: 3 }, options()).await;
    let flaky = engine.enqueue_with(&Flaky { key: "f".to_owned(), n: 1 }, options()).await;
    for job in [talked, flaky] {
        rig.reaches(job, JobState::Succeeded).await;
    }
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    let mut marks = Marks::default();
    assert_eq!(keeper.kept(day * 14).await.unwrap(), Kept { longest: day * 14, shorter: vec![] });
    rig.sql("UPDATE mindflight.queue SET retention = '1 day' WHERE name = 'short'").await;
    let kept = keeper.kept(day * 14).await.unwrap();
    assert_eq!((kept.longest, kept.shorter.len()), (day * 14, 1), "{kept:?}");
    // Nothing is older than a day yet.
    assert_eq!(keeper.expire(now, &kept, &mut marks).await.unwrap(), Expired::default());
    let after = now + TimeDelta::days(2);
    let done = keeper.expire(after, &kept, &mut marks).await.unwrap();
    assert_eq!((done.deleted, done.more), (3, true));
    assert_eq!(keeper.expire(after, &kept, &mut marks).await.unwrap(), Expired::default());
    for job in [short, talked, flaky] {
        assert!(rig.view(job).await.is_none());
        let lines = rig.db.store().job_views().logs(job, None, 10).await.unwrap();
        assert!(lines.is_empty());
    }
    assert_eq!(rig.state(kept_long).await, Some(JobState::Succeeded));
    assert_eq!(rig.state(later).await, Some(JobState::Scheduled));
    rig.assert_placed().await;
    // One that ended long after it was made is found by the next look from the beginning.
    rig.sql("UPDATE mindflight.scheduled SET run_at = clock_timestamp()").await;
    rig.reaches(later, JobState::Succeeded).await;
    assert_eq!(keeper.expire(after, &kept, &mut marks).await.unwrap(), Expired::default());
    let days_later = after + TimeDelta::days(1);
    assert_eq!(keeper.expire(days_later, &kept, &mut marks).await.unwrap().deleted, 1);
    assert!(rig.view(later).await.is_none());
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_queue_may_keep_its_jobs_longer_than_all_others() {
    let rig = Rig::idle().await;
    let engine = rig.second(quick()).await;
    let (now, day) = (SystemClock.now(), Duration::from_secs(86_400));
    let (usual, long) =
        (ended(&rig, &engine, "bench", "a").await, ended(&rig, &engine, "long", "b").await);
    rig.sql("UPDATE mindflight.queue SET retention = '30 days' WHERE name = 'long'").await;
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    let kept = keeper.kept(day * 14).await.unwrap();
    assert_eq!(kept.longest, day * 30);
    let after = now + TimeDelta::days(20);
    let done = keeper.partitions(after, kept.since(after).unwrap()).await.unwrap();
    assert!(done.dropped.is_empty(), "{done:?}");
    assert_eq!(keeper.expire(after, &kept, &mut Marks::default()).await.unwrap().deleted, 1);
    assert!(rig.view(usual).await.is_none());
    assert_eq!(rig.state(long).await, Some(JobState::Succeeded));
    rig.assert_placed().await;
}

#[tokio::test]
async fn the_engine_itself_deletes_what_its_queues_do_not_keep() {
    let housekeeping = Duration::from_millis(50);
    let rig = Rig::idle().await;
    let engine = rig.second(Settings { housekeeping, ..quick() }).await;
    let (stays, goes) =
        (ended(&rig, &engine, "bench", "a").await, ended(&rig, &engine, "short", "b").await);
    rig.sql("UPDATE mindflight.queue SET retention = '1 ms' WHERE name = 'short'").await;
    eventually("it is deleted", async || rig.view(goes).await.is_none()).await;
    assert_eq!(rig.state(stays).await, Some(JobState::Succeeded));
    rig.assert_placed().await;
}
