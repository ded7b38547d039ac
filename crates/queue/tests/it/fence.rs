//! A worker that counts as dead, or may, ends nothing and runs nothing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_api::JobState;
use mindflight_api::job::AttemptEnd;
use mindflight_testapp::Wire;

use crate::bench::{Note, Wait};
use crate::rig::{Rig, crash, eventually, quick};

fn wait(key: &str) -> Wait {
    Wait { key: key.to_owned(), n: 0 }
}

/// T2: what was taken from a worker is not ended by it; it becomes another worker and goes on.
#[tokio::test]
async fn a_worker_that_was_declared_dead_writes_nothing_and_begins_anew() {
    let rig = Rig::new().await;
    let job = rig.engine.enqueue(&wait("w")).await;
    rig.starts(job, "w").await;
    let before = rig.engine.queue.worker();
    let mut keeper = rig.db.store().jobs().keeper().unwrap();
    let rescued = keeper.rescue(Duration::ZERO, &crash()).await.unwrap();
    assert_eq!((rescued.again, rescued.workers.len()), (1, 1));
    eventually("its handler is told", async || rig.engine.seen.told.load(Ordering::SeqCst) > 0)
        .await;
    eventually("it is another worker", async || rig.engine.queue.worker() != before).await;
    eventually("the job runs again", async || rig.engine.seen.starts("w") >= 2).await;
    rig.engine.gate.add_permits(1);
    let view = rig.reaches(job, JobState::Succeeded).await;
    let ends: Vec<AttemptEnd> = view.attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(ends, [AttemptEnd::Crashed, AttemptEnd::Succeeded]);
    rig.assert_placed().await;
}

/// T3: beats keep a job, however long it takes.
#[tokio::test]
async fn a_job_that_outlasts_the_limit_of_silence_is_not_taken() {
    let settings = mindflight_queue::Settings {
        beat: Duration::from_millis(25),
        fence_after: Duration::from_millis(270),
        dead_after: Duration::from_millis(300),
        ..quick()
    };
    let rig = Rig::with(settings.clone()).await;
    let _second = rig.second(settings).await;
    let job = rig.engine.enqueue(&wait("long")).await;
    rig.starts(job, "long").await;
    let began = tokio::time::Instant::now();
    eventually("ten times the limit", async || began.elapsed() > Duration::from_millis(3000)).await;
    rig.engine.gate.add_permits(1);
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!((view.attempt, rig.engine.seen.starts("long")), (1, 1));
}

/// T2, T6: a connection that swallows everything, and breaks nothing.
#[tokio::test]
async fn a_worker_that_cannot_say_that_it_lives_stops_before_others_take_its_jobs() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "cut").await;
    let cut = rig.second_on(wire.store(), quick()).await;
    let job = cut.enqueue(&wait("w")).await;
    rig.starts(job, "w").await;
    wire.freeze("cut");
    eventually("its handler is told", async || cut.seen.told.load(Ordering::SeqCst) > 0).await;
    assert_eq!(rig.state(job).await, Some(JobState::Running), "nobody has taken it by then");
    wire.thaw();
    eventually("it runs again", async || cut.seen.starts("w") >= 2).await;
    cut.gate.add_permits(1);
    rig.reaches(job, JobState::Succeeded).await;
    rig.assert_placed().await;
}

/// A worker whose beats do not pass, and whose other connections do, hands its jobs back itself.
#[tokio::test]
async fn a_worker_that_stops_itself_hands_its_jobs_back_without_a_charge() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "silent").await;
    let silent = rig.second_on(wire.store(), quick()).await;
    let job = silent.enqueue(&wait("w")).await;
    rig.starts(job, "w").await;
    wire.freeze("-keeper");
    rig.reaches(job, JobState::Queued).await;
    let view = rig.view(job).await.unwrap();
    assert_eq!(view.attempts[0].state, AttemptEnd::Returned, "{:#?}", view.attempts);
    wire.thaw();
    eventually("it runs again", async || silent.seen.starts("w") >= 2).await;
    silent.gate.add_permits(1);
    rig.reaches(job, JobState::Succeeded).await;
    let note = silent.enqueue(&Note { key: "n".to_owned(), n: 0 }).await;
    rig.reaches(note, JobState::Succeeded).await;
}
