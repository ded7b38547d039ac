//! Jobs of which one at most is unfinished.

use std::time::Duration;

use mindflight_api::JobState;
use mindflight_core::policy::{Release, Unique};
use mindflight_core::ports::EnqueueOptions;

use crate::bench::{ByKey, Fail, Note, Single, Started, Wait};
use crate::rig::{Rig, quick};

fn keyed(key: &str) -> EnqueueOptions {
    EnqueueOptions { unique_key: Some(key.to_owned()), ..EnqueueOptions::default() }
}

fn single(key: &str) -> Single {
    Single { key: key.to_owned(), n: 0 }
}

#[tokio::test]
async fn a_key_is_taken_until_the_job_ends_however_it_ends() {
    let rig = Rig::new().await;
    let (first, is_old) = rig.engine.make(&single("a")).await;
    assert!(!is_old);
    rig.starts(first, "a").await;
    assert_eq!(rig.engine.make(&single("a")).await, (first, true));
    assert!(!rig.engine.make(&single("b")).await.1, "other arguments are another key");
    rig.engine.gate.add_permits(2);
    rig.reaches(first, JobState::Succeeded).await;
    let (again, is_old) = rig.engine.make(&single("a")).await;
    assert!(!is_old && again != first);
    rig.starts(again, "a").await;
    rig.cancel(again, &rig.engine).await;
    rig.reaches(again, JobState::Cancelled).await;
    assert!(!rig.engine.make(&single("a")).await.1);
    let failed = rig.engine.enqueue_with(&Fail { key: "f".to_owned(), n: 0 }, keyed("mine")).await;
    rig.reaches(failed, JobState::Failed).await;
    let next = rig.engine.enqueue_with(&Fail { key: "f".to_owned(), n: 0 }, keyed("mine")).await;
    assert_ne!(next, failed);
    rig.engine.gate.add_permits(9);
}

#[tokio::test]
async fn a_declared_key_compares_the_arguments_that_it_names() {
    let rig = Rig::new().await;
    let job = |key: &str, n| ByKey { key: key.to_owned(), n };
    let (first, _) = rig.engine.make(&job("a", 1)).await;
    assert_eq!(rig.engine.make(&job("a", 2)).await, (first, true));
    assert!(!rig.engine.make(&job("b", 1)).await.1);
    rig.engine.gate.add_permits(9);
    rig.succeed(2).await;
}

#[tokio::test]
async fn a_key_until_the_start_is_free_while_the_job_runs() {
    let rig = Rig::new().await;
    let job = Started { key: "s".to_owned(), n: 0 };
    let (first, _) = rig.engine.make(&job).await;
    rig.starts(first, "s").await;
    crate::rig::eventually("the key is free", async || rig.engine.seen.starts("s") == 1).await;
    let (second, is_old) = rig.engine.make(&job).await;
    assert!(!is_old && second != first);
    rig.engine.gate.add_permits(9);
    rig.succeed(2).await;
}

fn in_a_century(release: Release) -> EnqueueOptions {
    // The slot ends in 2069.
    let period = Some(Duration::from_secs(100 * 365 * 86_400));
    let unique = Unique { period, release, ..Unique::default() };
    EnqueueOptions { unique: Some(unique), ..EnqueueOptions::default() }
}

#[tokio::test]
async fn a_key_of_a_period_is_taken_until_it_is_over_whatever_becomes_of_the_job() {
    let rig = Rig::new().await;
    let (done, failed) = (Note { key: "n".to_owned(), n: 0 }, Fail { key: "f".to_owned(), n: 0 });
    let stopped = Wait { key: "w".to_owned(), n: 0 };
    let options = || in_a_century(Release::Period);
    let first = rig.engine.enqueue_with(&done, options()).await;
    rig.reaches(first, JobState::Succeeded).await;
    assert_eq!(rig.engine.enqueue_with(&done, options()).await, first);
    let second = rig.engine.enqueue_with(&failed, options()).await;
    rig.reaches(second, JobState::Failed).await;
    assert_eq!(rig.engine.enqueue_with(&failed, options()).await, second);
    let third = rig.engine.enqueue_with(&stopped, options()).await;
    rig.starts(third, "w").await;
    rig.cancel(third, &rig.engine).await;
    rig.reaches(third, JobState::Cancelled).await;
    assert_eq!(rig.engine.enqueue_with(&stopped, options()).await, third);
    // A retry by hand keeps what is its own.
    rig.db.store().job_views().retry(second, &crate::rig::record()).await.unwrap();
    rig.reaches(second, JobState::Failed).await;
    assert_eq!(rig.engine.enqueue_with(&failed, options()).await, second);
    // The period is over: one is taken over, the others are swept.
    rig.sql("UPDATE mindflight.unique_key SET expires_at = clock_timestamp() - interval '1 s'")
        .await;
    let again = rig.engine.enqueue_with(&done, options()).await;
    assert_ne!(again, first);
    assert_eq!(rig.engine.enqueue_with(&done, options()).await, again);
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    assert_eq!(keeper.sweep_keys().await.unwrap(), 2);
    assert_ne!(rig.engine.enqueue_with(&failed, options()).await, second);
    assert_eq!(keeper.sweep_keys().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_says_itself_what_makes_it_the_same_as_another() {
    let rig = Rig::idle().await;
    let wait = |key: &str, n| Wait { key: key.to_owned(), n };
    let by = |unique: Unique| EnqueueOptions { unique: Some(unique), ..EnqueueOptions::default() };
    let by_key = || by(Unique { args: vec!["key".to_owned()], ..Unique::default() });
    let first = rig.engine.enqueue_with(&wait("a", 1), by_key()).await;
    assert_eq!(rig.engine.enqueue_with(&wait("a", 2), by_key()).await, first);
    assert_ne!(rig.engine.enqueue_with(&wait("b", 1), by_key()).await, first);
    let own = |key: &str| EnqueueOptions {
        unique_key: Some(key.to_owned()),
        ..in_a_century(Release::End)
    };
    let second = rig.engine.enqueue_with(&wait("x", 1), own("k")).await;
    assert_eq!(rig.engine.enqueue_with(&wait("y", 2), own("k")).await, second);
    // Without a period it is another key, also if the word is the same.
    assert_ne!(rig.engine.enqueue_with(&wait("z", 3), keyed("k")).await, second);
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_key_until_the_start_comes_back_with_a_retry_by_hand_or_not_at_all() {
    let rig = Rig::new().await;
    let job = Fail { key: "f".to_owned(), n: 0 };
    let options = || in_a_century(Release::Start);
    let failed = rig.engine.enqueue_with(&job, options()).await;
    rig.reaches(failed, JobState::Failed).await;
    let later = EnqueueOptions { delay: Some(Duration::from_secs(3600)), ..options() };
    let waiting = rig.engine.enqueue_with(&job, later).await;
    assert_ne!(waiting, failed);
    let views = rig.db.store().job_views();
    let refused = views.retry(failed, &crate::rig::record()).await.unwrap_err();
    assert!(refused.to_string().contains(&waiting.to_string()), "{refused}");
    rig.cancel(waiting, &rig.engine).await;
    views.retry(failed, &crate::rig::record()).await.unwrap();
    rig.reaches(failed, JobState::Failed).await;
    assert_eq!(rig.view(failed).await.unwrap().attempts.len(), 2);
    rig.assert_placed().await;
}

/// T25: however many ask at the same time, there is one job, and all get its id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_ask_at_the_same_time_share_one_job() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    for round in 0..20 {
        let job = single(&format!("r{round}"));
        let (one, other, third) =
            tokio::join!(rig.engine.make(&job), second.make(&job), rig.engine.make(&job));
        assert_eq!((one.0, other.0), (other.0, third.0));
        let made = [one, other, third].iter().filter(|(_, is_old)| !is_old).count();
        assert_eq!(made, 1, "round {round}");
    }
    rig.engine.gate.add_permits(20);
    rig.succeed(20).await;
}

/// T1: a key neither frees itself nor stays taken when a worker dies.
#[tokio::test]
async fn a_crashed_workers_unique_job_keeps_its_key_until_it_ends() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let (job, _) = second.make(&single("c")).await;
    rig.starts(job, "c").await;
    drop(second);
    let third = rig.second(quick()).await;
    assert_eq!(third.make(&single("c")).await, (job, true));
    crate::rig::eventually("it runs again", async || third.seen.starts("c") >= 2).await;
    assert_eq!(third.make(&single("c")).await, (job, true));
    third.gate.add_permits(1);
    rig.reaches(job, JobState::Succeeded).await;
    assert!(!third.make(&single("c")).await.1);
    third.gate.add_permits(1);
    let note = Note { key: "n".to_owned(), n: 0 };
    rig.reaches(third.enqueue(&note).await, JobState::Succeeded).await;
}
