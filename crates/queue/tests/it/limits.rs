//! How many jobs run at once.

use std::sync::atomic::Ordering;

use mindflight_api::JobState;

use crate::bench::{FailOne, Hold, Note, One, PerKey};
use crate::rig::{Rig, quick};

fn one(number: usize) -> One {
    One { key: number.to_string(), n: 0 }
}

/// T11: a limit of one holds over all instances.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_is_one_over_all_engines() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    let (here, there) =
        tokio::join!(rig.engine.enqueue_all(150, one), second.enqueue_all(150, one));
    assert_eq!(here.len() + there.len(), 300);
    rig.succeed(300).await;
    let seen = &rig.engine.seen;
    assert_eq!(seen.most.load(Ordering::SeqCst), 1);
    assert_eq!(seen.order.lock().unwrap().len(), 300);
}

/// T11: each value of the argument has slots of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_for_each_key_are_two_for_each_key() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    let job = |number: usize| PerKey { key: "same".to_owned(), n: number };
    rig.engine.enqueue_all(100, job).await;
    rig.succeed(100).await;
    let most = rig.engine.seen.most.load(Ordering::SeqCst);
    assert!((1..=2).contains(&most), "{most} at once");
}

/// T12: slots come back after failures, cancels and crashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_come_back_however_a_job_ends() {
    let rig = Rig::new().await;
    let second = rig.second(quick()).await;
    let fail = |number: usize| FailOne { key: format!("f{number}"), n: 0 };
    let failing = rig.engine.enqueue_all(10, fail).await;
    let limited = second.enqueue_all(60, one).await;
    for job in limited.iter().skip(30).take(10) {
        rig.cancel(*job, &rig.engine).await;
    }
    // It dies with whatever it holds.
    drop(second);
    for job in failing {
        let view = rig.reaches(job, JobState::Failed).await;
        // An attempt that was lost in company is not charged.
        assert!(view.attempt >= 2, "{view:#?}");
    }
    for job in limited {
        crate::rig::eventually("it ends", async || {
            rig.state(job).await.is_some_and(JobState::is_final)
        })
        .await;
    }
    assert_eq!(rig.engine.seen.most.load(Ordering::SeqCst), 1);
    // All slots are free: the next ones run.
    rig.engine.seen.most.store(0, Ordering::SeqCst);
    let next = rig.engine.enqueue(&one(999)).await;
    rig.reaches(next, JobState::Succeeded).await;
    rig.assert_placed().await;
}

/// T12: what has no limit does not wait for what has one.
#[tokio::test]
async fn jobs_without_a_limit_pass_those_that_wait_for_one() {
    let rig = Rig::new().await;
    let hold = |key: &str| Hold { key: key.to_owned(), n: 0 };
    let holds = rig.engine.enqueue(&hold("holds")).await;
    rig.starts(holds, "holds").await;
    let waits = rig.engine.enqueue(&hold("waits")).await;
    let passes = rig.engine.enqueue(&Note { key: "free".to_owned(), n: 0 }).await;
    let other = rig.engine.enqueue(&PerKey { key: "x".to_owned(), n: 0 }).await;
    rig.reaches(passes, JobState::Succeeded).await;
    rig.reaches(other, JobState::Succeeded).await;
    assert_eq!(rig.state(waits).await, Some(JobState::Blocked));
    rig.engine.gate.add_permits(2);
    rig.reaches(waits, JobState::Succeeded).await;
}
