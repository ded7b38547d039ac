//! Engines that end without a word.

use mindflight_api::JobState;
use mindflight_core::ports::Memory;
use mindflight_queue::Settings;

use crate::bench::{Count, Doomed, Kill, Wait};
use crate::rig::{Rig, eventually, quick};

fn count(_: usize) -> Count {
    Count { key: "c".to_owned(), n: 0 }
}

async fn counted(rig: &Rig) -> serde_json::Value {
    let stored = rig.db.store().memory().get("provider:bench", "c").await.unwrap();
    stored.map(|stored| stored.value).unwrap_or_default()
}

/// T1: everything that was taken runs elsewhere, and ends once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_a_dead_engine_run_elsewhere_and_count_once() {
    let rig = Rig::new().await;
    for round in 1..=3 {
        let second = rig.second(quick()).await;
        second.enqueue_all(100, count).await;
        let some = (round - 1) * 100 + 20;
        eventually("some have ended", async || rig.count(JobState::Succeeded).await > some).await;
        drop(second);
    }
    rig.succeed(300).await;
    assert_eq!(counted(&rig).await, serde_json::json!(300));
}

/// T9: what kills its process is found, and costs its neighbours nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_job_fails_and_none_of_its_neighbours_does() {
    let rig = Rig::idle().await;
    let mut engines = vec![rig.second(quick()).await, rig.second(quick()).await];
    engines[0].enqueue_all(100, count).await;
    let poison = engines[0].enqueue(&Kill { key: "poison".to_owned(), n: 0 }).await;
    engines[1].enqueue_all(100, count).await;
    while rig.state(poison).await != Some(JobState::Failed) {
        for engine in &mut engines {
            if engine.is_dead() {
                *engine = rig.second(quick()).await;
            }
        }
        tokio::task::yield_now().await;
    }
    rig.succeed(200).await;
    let view = rig.view(poison).await.unwrap();
    assert_eq!(view.error.map(|error| error.code).as_deref(), Some("worker_lost"));
    let starts = rig.engine.seen.starts("poison");
    assert!((2..=6).contains(&starts), "{starts} starts");
    assert_eq!(counted(&rig).await, serde_json::json!(200));
    assert_eq!(rig.count(JobState::Failed).await, 1);
}

/// T9: nobody knows how far it came.
#[tokio::test]
async fn a_job_that_may_run_once_does_not_run_again() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let doomed = second.enqueue(&Doomed { key: "once".to_owned(), n: 0 }).await;
    let usual = second.enqueue(&Wait { key: "usual".to_owned(), n: 0 }).await;
    for job in [doomed, usual] {
        rig.reaches(job, JobState::Running).await;
    }
    drop(second);
    let third = rig.second(quick()).await;
    let view = rig.reaches(doomed, JobState::Failed).await;
    assert_eq!(view.error.map(|error| error.code).as_deref(), Some("worker_lost"));
    third.gate.add_permits(1);
    rig.reaches(usual, JobState::Succeeded).await;
    assert_eq!(third.seen.starts("once"), 1);
    rig.assert_placed().await;
}

/// T1: whoever holds what only one can hold knows that the one before is gone.
#[tokio::test]
async fn the_next_holder_takes_its_predecessors_jobs_at_once() {
    let never = std::time::Duration::from_secs(3600);
    let settings = Settings {
        holder: Some("the folder".to_owned()),
        dead_after: never,
        fence_after: never,
        ..quick()
    };
    let rig = Rig::idle().await;
    let first = rig.second(settings.clone()).await;
    let job = first.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    rig.starts(job, "w").await;
    drop(first);
    let next = rig.second(settings).await;
    eventually("it runs again", async || next.seen.starts("w") >= 2).await;
    next.gate.add_permits(1);
    rig.reaches(job, JobState::Succeeded).await;
}
