//! T25: the answer to what makes jobs by the clock, or makes them due, is lost after the server has done it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::JobState;
use mindflight_core::ports::{Clock as _, EnqueueOptions, SystemClock};
use mindflight_queue::Queue;
use mindflight_testapp::Wire;

use crate::bench::Note;
use crate::rig::{Engine, Rig, eventually, quick};

/// How many turns of the year there have been since.
fn turns() -> u64 {
    let after: DateTime<Utc> = "2020-06-01T00:00:00Z".parse().unwrap();
    let slots = Queue::next_slots("0 0 1 1 *", "UTC", after, 100);
    slots.iter().filter(|slot| **slot <= SystemClock.now()).count() as u64
}

/// An engine behind a wire that has done everything that it does once when it begins.
async fn settled(rig: &Rig, wire: &Wire) -> Engine {
    let engine = rig.second_on(wire.store(), quick()).await;
    let views = rig.db.store().job_views();
    eventually("schedules are declared", async || views.schedules().await.unwrap().len() == 3)
        .await;
    let job = delayed(&engine, "first").await;
    rig.reaches(job, JobState::Succeeded).await;
    engine
}

async fn delayed(engine: &Engine, key: &str) -> mindflight_api::JobId {
    let delay = Some(Duration::from_millis(30));
    let options = EnqueueOptions { delay, ..EnqueueOptions::default() };
    engine.enqueue_with(&Note { key: key.to_owned(), n: 0 }, options).await
}

#[tokio::test]
async fn slots_whose_answer_was_lost_fire_once() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "lossy").await;
    let _engine = settled(&rig, &wire).await;
    wire.lose("keeper", "COMMIT");
    rig.sql("UPDATE mindflight.schedule SET last_slot = '2020-06-01'").await;
    eventually("an answer is lost", async || wire.lost() == 1).await;
    rig.succeed(turns() + 2).await;
    let views = rig.db.store().job_views();
    eventually("all are done", async || {
        let all = views.schedules().await.unwrap();
        all.iter().all(|schedule| schedule.last > "2021-01-01T00:00:00Z".parse().ok())
    })
    .await;
    for (kind, count) in [("bench.tick", turns()), ("bench.latest", 1), ("bench.skip", 0)] {
        let counts = views.counts(Some(kind), None, None).await.unwrap();
        assert_eq!(counts.counts.values().sum::<u64>(), count, "{kind}");
    }
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_job_that_came_due_with_a_lost_answer_runs_once() {
    let rig = Rig::idle().await;
    let wire = Wire::new(&rig.db, "lossy").await;
    let engine = settled(&rig, &wire).await;
    wire.lose("keeper", "COMMIT");
    let job = delayed(&engine, "due").await;
    let view = rig.reaches(job, JobState::Succeeded).await;
    assert_eq!((wire.lost(), view.attempt, engine.seen.starts("due")), (1, 1, 1));
    rig.assert_placed().await;
}
