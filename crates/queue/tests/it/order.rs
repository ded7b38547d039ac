//! Which job is next, and when.

use std::time::Duration;

use chrono::TimeDelta;
use mindflight_api::JobState;
use mindflight_core::ports::{Clock as _, EnqueueOptions, SystemClock};
use mindflight_queue::Settings;

use crate::bench::{Flaky, Note, Wait};
use crate::rig::{Engine, Rig, eventually, quick};

fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

#[tokio::test]
async fn lower_numbers_go_first_and_then_the_older() {
    let rig = Rig::with(Settings { workers: 1, ..quick() }).await;
    let busy = rig.engine.enqueue(&Wait { key: "busy".to_owned(), n: 0 }).await;
    rig.starts(busy, "busy").await;
    for (key, priority) in [("c", 5), ("e", 9), ("a", 0), ("d", 5), ("b", 1)] {
        let options = EnqueueOptions { priority: Some(priority), ..EnqueueOptions::default() };
        rig.engine.enqueue_with(&note(key), options).await;
    }
    rig.engine.gate.add_permits(1);
    rig.succeed(6).await;
    assert_eq!(*rig.engine.seen.order.lock().unwrap(), ["busy", "a", "b", "c", "d", "e"]);
}

/// T13: where a look from the start always counts as dear, as while a snapshot keeps all that was taken, new jobs are
/// found at once in every lane that is known, and the others with the next look from the start.
#[tokio::test]
async fn every_job_is_found_though_looks_from_the_start_rest() {
    let rig = Rig::with(Settings { workers: 1, costly: Duration::ZERO, ..quick() }).await;
    for round in 0..5 {
        let busy = rig.engine.enqueue(&Wait { key: format!("busy{round}"), n: 0 }).await;
        rig.starts(busy, &format!("busy{round}")).await;
        let mut jobs = vec![busy];
        for (number, priority) in [5, 9, 0, 5, 1].into_iter().enumerate() {
            let options = EnqueueOptions { priority: Some(priority), ..EnqueueOptions::default() };
            let note = note(&format!("{round}.{number}"));
            jobs.push(rig.engine.enqueue_with(&note, options).await);
        }
        // It is put back, where all that is as old was taken.
        jobs.push(rig.engine.enqueue(&Flaky { key: format!("flaky{round}"), n: 1 }).await);
        let delay = Some(Duration::from_millis(30));
        let options = EnqueueOptions { delay, ..EnqueueOptions::default() };
        jobs.push(rig.engine.enqueue_with(&note(&format!("{round}.later")), options).await);
        rig.engine.gate.add_permits(1);
        for job in jobs {
            rig.reaches(job, JobState::Succeeded).await;
        }
    }
    rig.assert_placed().await;
}

/// Slots that are rare go round: a queue that is always full does not keep another from its turn.
#[tokio::test]
async fn a_queue_that_is_always_full_does_not_starve_another() {
    let rig = Rig::with(Settings { workers: 1, prefetch: 0, ..quick() }).await;
    let busy = rig.engine.enqueue(&Wait { key: "busy".to_owned(), n: 0 }).await;
    rig.starts(busy, "busy").await;
    for queue in ["first", "second"] {
        for number in 0..20 {
            let options =
                EnqueueOptions { queue: Some(queue.to_owned()), ..EnqueueOptions::default() };
            rig.engine.enqueue_with(&note(&format!("{queue}{number}")), options).await;
        }
    }
    rig.engine.gate.add_permits(1);
    rig.succeed(41).await;
    let order = rig.engine.seen.order.lock().unwrap();
    let at = |key: &str| order.iter().position(|other| other == key).unwrap();
    assert!(at("second0") < at("first5"), "{order:?}");
}

/// T8: a time is the database's, whatever the clock of whoever asks says.
#[tokio::test]
async fn a_job_is_due_by_the_databases_clock() {
    let rig = Rig::new().await;
    let at = |delta: TimeDelta| EnqueueOptions {
        run_at: Some(SystemClock.now() + delta),
        ..EnqueueOptions::default()
    };
    let past = rig.engine.enqueue_with(&note("past"), at(TimeDelta::hours(-1))).await;
    let soon = rig.engine.enqueue_with(&note("soon"), at(TimeDelta::milliseconds(80))).await;
    let later = rig.engine.enqueue_with(&note("later"), at(TimeDelta::hours(1))).await;
    rig.reaches(past, JobState::Succeeded).await;
    let view = rig.reaches(soon, JobState::Succeeded).await;
    assert!(view.started_at >= Some(view.run_at), "{view:#?}");
    assert_eq!(rig.state(later).await, Some(JobState::Scheduled));
    rig.sql("UPDATE mindflight.scheduled SET run_at = clock_timestamp()").await;
    rig.reaches(later, JobState::Succeeded).await;
}

#[tokio::test]
async fn a_delay_is_waited_for() {
    let rig = Rig::new().await;
    let delay = Duration::from_millis(60);
    let options = EnqueueOptions { delay: Some(delay), ..EnqueueOptions::default() };
    let job = rig.engine.enqueue_with(&note("d"), options).await;
    let view = rig.reaches(job, JobState::Succeeded).await;
    let waited = view.started_at.unwrap() - view.created_at;
    assert!(waited.to_std().unwrap() >= delay, "{waited}");
}

/// Nobody tells: the engine that made the job does not run any.
#[tokio::test]
async fn what_another_process_made_comes_due_by_polling() {
    let rig = Rig::new().await;
    let lent = rig.engine.shared();
    let (mut maker, mounted) = Engine::stopped(rig.db.store(), quick(), lent).await;
    maker.queue.replace(&[mounted]);
    maker.write();
    let options =
        EnqueueOptions { delay: Some(Duration::from_millis(30)), ..EnqueueOptions::default() };
    let later = maker.enqueue_with(&note("later"), options).await;
    let now = maker.enqueue(&note("now")).await;
    let flaky = maker.enqueue(&Flaky { key: "f".to_owned(), n: 2 }).await;
    for job in [now, later, flaky] {
        rig.reaches(job, JobState::Succeeded).await;
    }
    eventually("each ran", async || rig.engine.seen.starts("f") == 3).await;
}
