//! What becomes of what is old.

use std::time::Duration;

use chrono::{Days, TimeDelta};
use mindflight_api::JobState;
use mindflight_core::ports::{Clock as _, EnqueueOptions, SystemClock};

use crate::bench::{Flaky, Note, Talk};
use crate::rig::{Rig, quick};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

#[tokio::test]
async fn days_are_made_ahead_and_dropped_without_what_is_unfinished() {
    let rig = Rig::idle().await;
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    let (now, past) = (SystemClock.now(), SystemClock.now() - TimeDelta::days(14));
    let done = keeper.partitions(now, past).await.unwrap();
    let today = now.date_naive();
    assert!(done.made.contains(&today) && done.made.len() == 4, "{done:?}");
    assert_eq!(keeper.partitions(now, past).await.unwrap(), Default::default());
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
