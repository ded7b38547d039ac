//! What an engine can run, and what it leaves alone.

use std::collections::HashSet;

use mindflight_api::JobState;
use mindflight_core::ports::EnqueueOptions;
use mindflight_queue::Settings;

use crate::bench::{Fail, Flaky, Note};
use crate::rig::{Engine, Rig, eventually, quick, record};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

/// T20: jobs of a provider that is off wait for it.
#[tokio::test]
async fn kinds_that_nobody_has_mounted_wait_until_somebody_does() {
    let rig = Rig::idle().await;
    let job = rig.engine.enqueue(&note("n")).await;
    let (mut bare, mounted) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    bare.run();
    eventually("it lives", async || bare.queue.worker().is_some()).await;
    assert_eq!(rig.state(job).await, Some(JobState::Queued));
    bare.queue.replace(&[mounted]);
    rig.reaches(job, JobState::Succeeded).await;
    bare.queue.replace(&[]);
    let later = rig.engine.enqueue(&note("later")).await;
    bare.queue.wake(&[1]);
    assert_eq!(rig.state(later).await, Some(JobState::Queued));
    let (_, mounted) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    bare.queue.replace(&[mounted]);
    let view = rig.reaches(later, JobState::Succeeded).await;
    assert_eq!(view.attempt, 1);
}

#[tokio::test]
async fn a_paused_queue_starts_nothing_until_it_is_resumed() {
    let rig = Rig::new().await;
    let first = rig.engine.enqueue(&note("first")).await;
    rig.reaches(first, JobState::Succeeded).await;
    let views = rig.db.store().job_views();
    let queue = views.pause_queue("bench", Some("because"), &record()).await.unwrap().unwrap();
    let waits = rig.engine.enqueue(&note("waits")).await;
    let options = EnqueueOptions { queue: Some("other".to_owned()), ..EnqueueOptions::default() };
    let passes = rig.engine.enqueue_with(&note("passes"), options).await;
    rig.reaches(passes, JobState::Succeeded).await;
    assert_eq!(rig.state(waits).await, Some(JobState::Queued));
    views.resume_queue("bench", &record()).await.unwrap();
    rig.engine.queue.wake(&[queue]);
    rig.reaches(waits, JobState::Succeeded).await;
}

#[tokio::test]
async fn a_queue_without_history_forgets_what_went_well() {
    let without_history = HashSet::from(["bench".to_owned()]);
    let rig = Rig::with(Settings { without_history, ..quick() }).await;
    let gone = rig.engine.enqueue(&note("gone")).await;
    let flaky = rig.engine.enqueue(&Flaky { key: "flaky".to_owned(), n: 1 }).await;
    let failed = rig.engine.enqueue(&Fail { key: "fails".to_owned(), n: 0 }).await;
    for job in [gone, flaky] {
        eventually("it is forgotten", async || rig.view(job).await.is_none()).await;
    }
    rig.reaches(failed, JobState::Failed).await;
    assert_eq!((rig.engine.seen.starts("gone"), rig.engine.seen.starts("flaky")), (1, 2));
    rig.assert_placed().await;
}
