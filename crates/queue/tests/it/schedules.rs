//! Jobs by the clock.

use chrono::{DateTime, Utc};
use mindflight_api::job::Schedule;
use mindflight_core::ports::{Clock as _, SystemClock};

use crate::rig::{Engine, Rig, eventually, quick, record};

const BACK: &str = "UPDATE mindflight.schedule SET last_slot = '2020-06-01'";

/// How many turns of the year there have been since.
fn turns() -> u64 {
    let after: DateTime<Utc> = "2020-06-01T00:00:00Z".parse().unwrap();
    let slots = mindflight_queue::Queue::next_slots("0 0 1 1 *", "UTC", after, 100);
    slots.iter().filter(|slot| **slot <= SystemClock.now()).count() as u64
}

async fn schedules(rig: &Rig) -> Vec<Schedule> {
    rig.db.store().job_views().schedules().await.unwrap()
}

/// Jobs of a kind, in whatever state.
async fn made(rig: &Rig, kind: &str) -> u64 {
    let counts = rig.db.store().job_views().counts(Some(kind), None, None).await.unwrap();
    counts.counts.values().sum()
}

/// T18: whichever engine comes first, each slot fires as its policy says, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missed_slots_fire_once_over_two_engines_as_their_policy_says() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    eventually("they are declared", async || schedules(&rig).await.len() == 3).await;
    rig.sql(BACK).await;
    let turns = turns();
    eventually("all have advanced", async || {
        let all = schedules(&rig).await;
        all.iter().all(|schedule| schedule.last > "2021-01-01T00:00:00Z".parse().ok())
    })
    .await;
    rig.succeed(turns + 1).await;
    assert_eq!(made(&rig, "bench.tick").await, turns);
    assert_eq!(made(&rig, "bench.latest").await, 1);
    assert_eq!(made(&rig, "bench.skip").await, 0);
}

/// T18: a process that comes back after a long time makes up for what it missed, from its first look on.
#[tokio::test]
async fn a_new_process_makes_up_for_what_was_missed() {
    let rig = Rig::idle().await;
    let first = rig.second(quick()).await;
    eventually("they are declared", async || schedules(&rig).await.len() == 3).await;
    first.stop().await;
    rig.sql(BACK).await;
    let _next = rig.second(quick()).await;
    rig.succeed(turns() + 1).await;
    assert_eq!((made(&rig, "bench.tick").await, made(&rig, "bench.latest").await), (turns(), 1));
}

#[tokio::test]
async fn a_paused_schedule_does_not_fire_until_it_is_resumed() {
    let rig = Rig::new().await;
    eventually("they are declared", async || schedules(&rig).await.len() == 3).await;
    let all = schedules(&rig).await;
    let latest = all.iter().find(|schedule| schedule.kind == "bench.latest").unwrap().id;
    let views = rig.db.store().job_views();
    assert!(views.pause_schedule(latest, &record()).await.unwrap());
    rig.sql(BACK).await;
    rig.succeed(turns()).await;
    assert_eq!(made(&rig, "bench.latest").await, 0);
    assert!(views.resume_schedule(latest, &record()).await.unwrap());
    eventually("it fires", async || made(&rig, "bench.latest").await == 1).await;
}

#[tokio::test]
async fn a_kind_that_is_not_mounted_does_not_fire() {
    let rig = Rig::idle().await;
    let first = rig.second(quick()).await;
    eventually("they are declared", async || schedules(&rig).await.len() == 3).await;
    first.stop().await;
    rig.sql(BACK).await;
    let (mut bare, mounted) = Engine::stopped(rig.db.store(), quick(), rig.engine.shared()).await;
    bare.run();
    eventually("it lives", async || bare.queue.worker().is_some()).await;
    // By then it has looked for what is due as well.
    let begun = bare.queue.worker().unwrap();
    eventually("it has beaten", async || {
        let workers = rig.db.store().job_views().workers().await.unwrap();
        workers.iter().any(|worker| worker.id == begun && worker.beat_at > worker.started_at)
    })
    .await;
    assert_eq!(made(&rig, "bench.tick").await, 0);
    bare.queue.replace(&[mounted]);
    eventually("it fires", async || made(&rig, "bench.tick").await == turns()).await;
}
