//! Stopping jobs, wherever they are.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_api::JobState;
use mindflight_core::ports::EnqueueOptions;
use mindflight_store::job_views::Cancel;

use crate::bench::{Flaky, Note, One, Stubborn, Wait};
use crate::rig::{Engine, Rig, eventually, quick};

fn wait(key: &str) -> Wait {
    Wait { key: key.to_owned(), n: 0 }
}

/// T22: what waits never runs.
#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_wherever_it_waits() {
    let rig = Rig::with(mindflight_queue::Settings { workers: 1, ..quick() }).await;
    let busy = rig.engine.enqueue(&wait("busy")).await;
    rig.starts(busy, "busy").await;
    let queued = rig.engine.enqueue(&Note { key: "queued".to_owned(), n: 0 }).await;
    let options =
        EnqueueOptions { delay: Some(Duration::from_secs(3600)), ..EnqueueOptions::default() };
    let later = rig.engine.enqueue_with(&Note { key: "later".to_owned(), n: 0 }, options).await;
    let holds = rig.engine.enqueue(&One { key: "holds".to_owned(), n: 0 }).await;
    let blocked = rig.engine.enqueue(&One { key: "blocked".to_owned(), n: 0 }).await;
    assert_eq!(rig.state(later).await, Some(JobState::Scheduled));
    assert_eq!(rig.state(blocked).await, Some(JobState::Blocked));
    for job in [queued, later, blocked] {
        let done = rig.cancel(job, &rig.engine).await;
        assert!(matches!(done, Some(Cancel::Cancelled { .. })), "{done:?}");
        assert_eq!(rig.state(job).await, Some(JobState::Cancelled));
    }
    rig.engine.gate.add_permits(1);
    rig.reaches(holds, JobState::Succeeded).await;
    for key in ["queued", "later", "blocked"] {
        assert_eq!(rig.engine.seen.starts(key), 0, "{key}");
    }
    rig.assert_placed().await;
}

/// T22: the handler hears it, on whichever instance it runs.
#[tokio::test]
async fn a_running_job_is_told_here_and_on_another_engine() {
    let rig = Rig::new().await;
    let here = rig.engine.enqueue(&wait("here")).await;
    rig.starts(here, "here").await;
    assert_eq!(rig.cancel(here, &rig.engine).await, Some(Cancel::Asked));
    let view = rig.reaches(here, JobState::Cancelled).await;
    assert_eq!(view.error.map(|error| error.code).as_deref(), Some("job_cancelled"));
    // An engine that runs nothing asks; the other one hears of it with its next beat.
    let (asker, _) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    let there = rig.engine.enqueue(&wait("there")).await;
    rig.starts(there, "there").await;
    rig.cancel(there, &asker).await;
    rig.reaches(there, JobState::Cancelled).await;
    assert_eq!(rig.engine.seen.told.load(Ordering::SeqCst), 2);
    rig.assert_placed().await;
}

/// T22: a handler that does not hear keeps its slot for the grace and not longer.
#[tokio::test]
async fn a_deaf_handler_loses_its_slot_after_the_grace() {
    let rig = Rig::with(mindflight_queue::Settings { workers: 1, ..quick() }).await;
    let deaf = rig.engine.enqueue(&Stubborn { key: "deaf".to_owned(), n: 0 }).await;
    rig.starts(deaf, "deaf").await;
    let next = rig.engine.enqueue(&Note { key: "next".to_owned(), n: 0 }).await;
    rig.cancel(deaf, &rig.engine).await;
    rig.reaches(deaf, JobState::Cancelled).await;
    rig.reaches(next, JobState::Succeeded).await;
}

/// T22: cancel against the end of the attempt has one winner, and both agree on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_against_completion_has_one_winner() {
    let rig = Rig::new().await;
    for round in 0..40 {
        let job = rig.engine.enqueue(&wait(&format!("w{round}"))).await;
        rig.reaches(job, JobState::Running).await;
        let (done, ()) =
            tokio::join!(rig.cancel(job, &rig.engine), async { rig.engine.gate.add_permits(1) });
        eventually("it ends", async || rig.state(job).await.is_some_and(JobState::is_final)).await;
        let state = rig.state(job).await.unwrap();
        assert!(matches!(state, JobState::Cancelled | JobState::Succeeded), "{state:?}");
        if let Some(Cancel::Final(state)) = done {
            assert_eq!(state, JobState::Succeeded);
        }
        // The permit of one that was cancelled is still there.
        rig.engine.gate.forget_permits(1);
    }
    rig.assert_placed().await;
}

/// T22: a wish that meets a failure is carried out instead of another attempt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_while_it_fails_does_not_run_again() {
    let rig = Rig::new().await;
    let forever = usize::MAX;
    for round in 0..40 {
        let options = EnqueueOptions { max_attempts: Some(1000), ..EnqueueOptions::default() };
        let flaky = Flaky { key: format!("f{round}"), n: forever };
        let job = rig.engine.enqueue_with(&flaky, options).await;
        eventually("it starts", async || rig.engine.seen.starts(&flaky.key) > 0).await;
        let done = rig.cancel(job, &rig.engine).await;
        assert!(matches!(done, Some(Cancel::Asked | Cancel::Cancelled { .. })), "{done:?}");
        rig.reaches(job, JobState::Cancelled).await;
    }
    rig.assert_placed().await;
}
