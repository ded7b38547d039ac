//! How many jobs start in a stretch of time, and limits by key and by kind together. Rates are of an hour, so that no
//! test hangs on time; where time is to pass, the tables are told so.

use std::sync::atomic::Ordering;

use mindflight_api::{JobId, JobState};

use crate::bench::{HoldBoth, KeyAndAll, Note, Often, Rated, RatedKey};
use crate::rig::{Rig, eventually, quick};

fn rated(number: usize) -> Rated {
    Rated { key: number.to_string(), n: 0 }
}

/// Waits until so many have succeeded and nothing runs or waits for a worker: what is left is held.
async fn holds_after(rig: &Rig, count: u64) {
    eventually("as many as may have started", async || {
        rig.count(JobState::Succeeded).await >= count
    })
    .await;
    // Whoever was to start one too many has had the time that another job takes on each engine.
    for number in 0..20 {
        let note = rig.engine.enqueue(&Note { key: format!("free{number}"), n: 0 }).await;
        rig.reaches(note, JobState::Succeeded).await;
    }
    assert_eq!(rig.count(JobState::Succeeded).await, count + 20);
    assert_eq!((rig.count(JobState::Queued).await, rig.count(JobState::Running).await), (0, 0));
    rig.assert_placed().await;
}

/// An hour's rate lets none pass but the first, until an hour is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_lets_so_many_start_over_all_engines() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    let (here, there) =
        tokio::join!(rig.engine.enqueue_all(10, rated), second.enqueue_all(10, rated));
    holds_after(&rig, 3).await;
    let mut waits = Vec::new();
    for job in here.iter().chain(&there) {
        waits.extend(rig.view(*job).await.filter(|view| view.state == JobState::Blocked));
    }
    assert_eq!(waits.len(), 17);
    let reason = waits[0].reason.clone().unwrap();
    assert!(
        reason.starts_with("held by the rate of `bench.rated`: 3 an hour; the next may start at "),
        "{reason}"
    );
    // A job that is cancelled gives nothing to the others: it had not started.
    rig.cancel(waits[0].id, &second).await;
    holds_after(&rig, 23).await;
    // As if 50 minutes had passed: that is two of three an hour.
    rig.sql(
        "UPDATE mindflight.gate SET tokens_at = tokens_at - interval '50 minutes', wakes_at = now()",
    )
    .await;
    holds_after(&rig, 45).await;
    assert_eq!(rig.count(JobState::Blocked).await, 14);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rate_by_key_is_one_for_each_value() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    let job = |number: usize| RatedKey { key: ["a", "b", "c"][number % 3].to_owned(), n: number };
    rig.engine.enqueue_all(15, job).await;
    holds_after(&rig, 6).await;
    for key in ["a", "b", "c"] {
        assert_eq!(rig.engine.seen.starts(key), 2, "{key}");
    }
}

/// Nobody has to end, and nothing to be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rate_holds_starts_once_its_time_has_come() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    let job = |number: usize| Often { key: number.to_string(), n: 0 };
    let jobs = rig.engine.enqueue_all(10, job).await;
    rig.succeed(10).await;
    let (mut made, mut started) = (Vec::new(), Vec::new());
    for job in jobs {
        let view = rig.view(job).await.unwrap();
        made.push(view.created_at);
        started.push(view.started_at.unwrap());
    }
    // Two at once, and one for every 25 ms after that.
    let took = *started.iter().max().unwrap() - *made.iter().min().unwrap();
    assert!(took.num_milliseconds() >= 8 * 25, "{took}");
}

/// T11: of a key two, of all three, over both engines.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_by_key_and_one_for_all_hold_together() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    let job = |number: usize| KeyAndAll { key: format!("k{}", number % 4), n: number };
    let (here, there) = tokio::join!(rig.engine.enqueue_all(70, job), second.enqueue_all(70, job));
    let jobs: Vec<JobId> = here.into_iter().chain(there).collect();
    // Some wait when they are stopped, for one gate or the other, and some run.
    for job in jobs.iter().skip(50).step_by(9) {
        rig.cancel(*job, &rig.engine).await;
    }
    // It dies with whatever it holds.
    drop(second);
    for job in &jobs {
        eventually("it ends", async || rig.state(*job).await.is_some_and(JobState::is_final)).await;
    }
    let seen = &rig.engine.seen;
    let (all, of_a_key) = (seen.most.load(Ordering::SeqCst), seen.most_of_a_key());
    assert!((1..=3).contains(&all), "{all} at once");
    assert!((1..=2).contains(&of_a_key), "{of_a_key} of a key at once");
    // T12: no slot is taken any more, and a job that failed passes both gates again.
    let failed = jobs[5];
    assert_eq!(rig.state(failed).await, Some(JobState::Failed));
    retry(&rig, failed).await;
    eventually("it is tried again", async || {
        rig.view(failed).await.is_some_and(|job| job.state == JobState::Failed && job.attempt == 2)
    })
    .await;
    unused(&rig).await;
}

async fn retry(rig: &Rig, job: JobId) {
    let done = rig.db.store().job_views().retry(job, &crate::rig::record()).await.unwrap();
    if let Some(mindflight_store::job_views::Retry::Queued { queues }) = done {
        rig.engine.queue.wake(&queues);
    } else {
        panic!("{done:?}");
    }
}

/// No job uses a slot of a gate.
async fn unused(rig: &Rig) {
    rig.sql(
        "DO $$ BEGIN IF EXISTS (SELECT FROM mindflight.blocked) OR EXISTS (
            SELECT FROM mindflight.ready WHERE gate IS NOT NULL OR outer_gate IS NOT NULL
        ) OR EXISTS (
            SELECT FROM mindflight.lease WHERE gate IS NOT NULL OR outer_gate IS NOT NULL
        ) THEN RAISE EXCEPTION 'a slot is used'; END IF; END $$",
    )
    .await;
    rig.assert_placed().await;
}

fn hold(key: &str) -> HoldBoth {
    HoldBoth { key: key.to_owned(), n: 0 }
}

async fn says(rig: &Rig, job: JobId) -> String {
    rig.view(job).await.unwrap().reason.unwrap_or_default()
}

const BY_KIND: &str = "at the limit of `bench.hold_both`: 1 of 1 running";
const BY_KEY: &str = "at the limit of `bench.hold_both:key=\"b\"`: 1 of 1 running";

/// T12: who waits for its kind has a slot of its key.
#[tokio::test]
async fn one_that_waits_for_its_kind_keeps_its_key_until_it_is_cancelled() {
    let rig = Rig::new().await;
    let runs = rig.engine.enqueue(&hold("a")).await;
    rig.starts(runs, "a").await;
    let (next, last) = (rig.engine.enqueue(&hold("b")).await, rig.engine.enqueue(&hold("b")).await);
    assert_eq!((says(&rig, next).await, says(&rig, last).await), (BY_KIND.into(), BY_KEY.into()));
    rig.cancel(next, &rig.engine).await;
    assert_eq!(rig.state(next).await, Some(JobState::Cancelled));
    assert_eq!(says(&rig, last).await, BY_KIND);
    rig.engine.gate.add_permits(2);
    rig.reaches(runs, JobState::Succeeded).await;
    rig.reaches(last, JobState::Succeeded).await;
    unused(&rig).await;
}

/// T12: a worker that dies gives back both slots with its job.
#[tokio::test]
async fn both_slots_come_back_from_a_worker_that_dies() {
    let rig = Rig::idle().await;
    let second = rig.second(quick()).await;
    let lost = second.enqueue(&hold("b")).await;
    rig.starts(lost, "b").await;
    let waits = rig.engine.enqueue(&hold("b")).await;
    assert_eq!(says(&rig, waits).await, BY_KEY);
    drop(second);
    rig.cancel(lost, &rig.engine).await;
    let _third = rig.second(quick()).await;
    // The handler of the dead one may still take some.
    rig.engine.gate.add_permits(9);
    rig.reaches(lost, JobState::Cancelled).await;
    rig.reaches(waits, JobState::Succeeded).await;
    unused(&rig).await;
}
