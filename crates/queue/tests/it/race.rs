//! Everybody at once.

use futures::future::join_all;
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::EnqueueOptions;

use crate::bench::{Both, Note, Twice};
use crate::rig::{Engine, Rig, eventually, quick, record};

fn note(number: usize) -> Note {
    Note { key: number.to_string(), n: 0 }
}

async fn many(engine: &Engine, from: usize) {
    let bulk = async {
        for part in 0..4 {
            engine.enqueue_all(1000, |number| note(from + part * 1000 + number)).await;
        }
    };
    let singly = async {
        for part in 0..10 {
            let notes: Vec<Note> =
                (0..100).map(|number| note(from + 4000 + part * 100 + number)).collect();
            join_all(notes.iter().map(|note| engine.enqueue(note))).await;
        }
    };
    tokio::join!(bulk, singly);
}

/// T19: ten thousand jobs, from both sides, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_engines_start_each_of_ten_thousand_jobs_once() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    tokio::join!(many(&rig.engine, 0), many(&second, 5000));
    rig.succeed(10_000).await;
    let starts = rig.engine.seen.starts.lock().unwrap();
    assert_eq!(starts.len(), 10_000);
    assert!(starts.values().all(|count| *count == 1), "some ran twice");
}

/// T10: whoever takes several locks takes them in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_for_each_other_when_everything_happens_at_once() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    let both = |number: usize| Both { key: (number % 7).to_string(), n: number % 13 };
    let make = async |engine: &Engine, forward: bool| {
        let mut ids: Vec<JobId> = Vec::new();
        for _ in 0..15 {
            let order = |number| if forward { number } else { 90 - number };
            ids.extend(engine.enqueue_all(91, |number| both(order(number))).await);
            ids.extend(engine.enqueue_all(4, |n| Twice { key: n.to_string(), n }).await);
            let delay = Some(std::time::Duration::from_millis(1));
            let options = EnqueueOptions { delay, ..EnqueueOptions::default() };
            ids.push(engine.enqueue_with(&both(3), options).await);
            let views = rig.db.store().job_views();
            for id in ids.iter().rev().step_by(9).take(10) {
                views.cancel(*id, None, &record()).await.unwrap();
                // Somebody else may have the key by now.
                drop(views.retry(*id, &record()).await);
            }
        }
        ids
    };
    let (one, other) = tokio::join!(make(&rig.engine, true), make(&second, false));
    for job in one.iter().chain(&other) {
        eventually("it ends", async || rig.state(*job).await.is_some_and(JobState::is_final)).await;
    }
    eventually("all end", async || {
        rig.count(JobState::Queued).await + rig.count(JobState::Blocked).await == 0
            && rig.count(JobState::Running).await == 0
    })
    .await;
    assert_eq!(rig.count(JobState::Failed).await, 0);
    rig.assert_placed().await;
    second.stop().await;
    let Rig { db, engine } = rig;
    engine.stop().await;
    // Their connections have said what they saw when they ended.
    let mut admin = mindflight_store::admin::Admin::connect(&db.settings()).await.unwrap();
    admin
        .run(
            "DO $$ BEGIN
                IF (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()) > 0 THEN
                    RAISE EXCEPTION 'somebody waited for each other';
                END IF;
             END $$",
        )
        .await
        .unwrap();
}
