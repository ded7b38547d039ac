//! Processes and servers whose clocks are wrong: what is due, whose a job is and which slots fire, the database's clock says.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use mindflight_api::JobState;
use mindflight_core::BoxFuture;
use mindflight_core::ports::{Clock, EnqueueOptions, SystemClock};
use mindflight_queue::{Queue, Settings};

use crate::bench::{Note, Wait};
use crate::rig::{Engine, Rig, eventually, quick};

/// A clock that is off by so much.
struct Off(TimeDelta);

impl Clock for Off {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<()> {
        SystemClock.sleep(wait)
    }
}

/// One engine whose clock is ahead by so much, and one whose clock is as far behind.
async fn pair(rig: &Rig, off: TimeDelta, settings: Settings) -> [Engine; 2] {
    [
        rig.second_at(Arc::new(Off(off)), settings.clone()).await,
        rig.second_at(Arc::new(Off(-off)), settings).await,
    ]
}

/// Jobs of a kind, in whatever state.
async fn made(rig: &Rig, kind: &str) -> u64 {
    let counts = rig.db.store().job_views().counts(Some(kind), None, None).await.unwrap();
    counts.counts.values().sum()
}

async fn declared(rig: &Rig) {
    let views = rig.db.store().job_views();
    eventually("schedules are declared", async || views.schedules().await.unwrap().len() == 3)
        .await;
}

/// How many turns of the year there have been since.
fn turns() -> u64 {
    let after: DateTime<Utc> = "2020-06-01T00:00:00Z".parse().unwrap();
    let slots = Queue::next_slots("0 0 1 1 *", "UTC", after, 100);
    slots.iter().filter(|slot| **slot <= SystemClock.now()).count() as u64
}

/// T8: an hour more or less.
#[tokio::test]
async fn a_process_whose_clock_is_an_hour_off_runs_jobs_when_they_are_due() {
    let rig = Rig::idle().await;
    let engines = pair(&rig, TimeDelta::hours(1), quick()).await;
    for (number, maker) in engines.iter().enumerate() {
        let note = |what: &str| Note { key: format!("{what}{number}"), n: 0 };
        let at = |delta: TimeDelta| EnqueueOptions {
            run_at: Some(SystemClock.now() + delta),
            ..EnqueueOptions::default()
        };
        let delay = Some(Duration::from_millis(60));
        let options = EnqueueOptions { delay, ..EnqueueOptions::default() };
        let delayed = maker.enqueue_with(&note("delayed"), options).await;
        let soon = maker.enqueue_with(&note("soon"), at(TimeDelta::milliseconds(80))).await;
        let later = maker.enqueue_with(&note("later"), at(TimeDelta::minutes(30))).await;
        let now = maker.enqueue(&note("now")).await;
        for job in [delayed, soon, now] {
            let view = rig.reaches(job, JobState::Succeeded).await;
            assert!(view.started_at >= Some(view.run_at), "{view:#?}");
        }
        assert_eq!(rig.state(later).await, Some(JobState::Scheduled), "due in half an hour");
    }
    rig.assert_placed().await;
}

/// T8: whether a worker lives is what it has said to the database, and when.
#[tokio::test]
async fn a_process_whose_clock_is_an_hour_off_keeps_its_jobs_and_takes_none_of_others() {
    let rig = Rig::idle().await;
    let engines = pair(&rig, TimeDelta::hours(1), quick()).await;
    let mut jobs = Vec::new();
    for key in ["a", "b", "c", "d"] {
        let job = rig.engine.enqueue(&Wait { key: key.to_owned(), n: 0 }).await;
        rig.starts(job, key).await;
        jobs.push(job);
    }
    let limit = TimeDelta::from_std(quick().dead_after).unwrap();
    eventually("they have lived longer than silence is forgiven", async || {
        let workers = rig.db.store().job_views().workers().await.unwrap();
        workers.iter().all(|worker| worker.beat_at - worker.started_at > limit)
    })
    .await;
    rig.engine.gate.add_permits(jobs.len());
    for job in jobs {
        let view = rig.reaches(job, JobState::Succeeded).await;
        assert_eq!(view.attempts.len(), 1, "{view:#?}");
    }
    let [one, other] = engines;
    one.stop().await;
    other.stop().await;
}

/// T8, T18: years more or less, and the slots are those that have passed.
#[tokio::test]
async fn slots_that_fire_are_those_that_have_passed_on_the_databases_clock() {
    let rig = Rig::idle().await;
    // Nothing is old for a process that believes that years have passed.
    let retention = Duration::from_secs(3600 * 24 * 365 * 50);
    let settings = Settings { retention, ..quick() };
    let _engines = pair(&rig, TimeDelta::days(3 * 365), settings).await;
    declared(&rig).await;
    rig.sql("UPDATE mindflight.schedule SET last_slot = '2020-06-01'").await;
    rig.succeed(turns() + 1).await;
    let all = ["bench.tick", "bench.latest", "bench.skip"];
    let [tick, latest, skip] = all.map(|kind| made(&rig, kind));
    assert_eq!((tick.await, latest.await, skip.await), (turns(), 1, 0));
}

/// T18: a database whose clock has gone back has done slots that are still to come by its clock: they do not fire again.
#[tokio::test]
async fn slots_that_were_done_before_the_clock_went_back_do_not_fire_again() {
    let rig = Rig::idle().await;
    let _engines = pair(&rig, TimeDelta::hours(1), quick()).await;
    declared(&rig).await;
    rig.sql(
        "UPDATE mindflight.schedule
         SET last_slot = CASE kind.name
             WHEN 'bench.tick' THEN clock_timestamp() + interval '3 years'
             ELSE '2020-06-01'
         END
         FROM mindflight.kind
         WHERE kind.id = schedule.kind",
    )
    .await;
    // One look is at all of them.
    eventually("the others were looked at", async || made(&rig, "bench.latest").await == 1).await;
    let views = rig.db.store().job_views();
    eventually("the others are done", async || {
        let all = views.schedules().await.unwrap();
        all.iter().all(|schedule| schedule.last > "2021-01-01T00:00:00Z".parse().ok())
    })
    .await;
    assert_eq!(made(&rig, "bench.tick").await, 0);
    rig.sql("UPDATE mindflight.schedule SET last_slot = '2020-06-01'").await;
    eventually("they go on", async || made(&rig, "bench.tick").await == turns()).await;
}
