//! Gates one after the other, and rates of gates and queues, one statement at a time.

use std::time::Duration;

use mindflight_api::{JobId, JobState};
use mindflight_core::policy::Rate;
use mindflight_store::admin::Admin;
use mindflight_store::job_views::{QueueLimits, Retry, Until};
use mindflight_store::jobs::{Begin, Claim, Hold, Lane, Limit, Limited};
use serde_json::json;

use super::rig::{Rig, failed, succeeded};
use crate::access::{audited, record};

const KIND: &str = "mail.report";
const HOUR: Duration = Duration::from_secs(3600);

async fn sql(rig: &Rig, script: &'static str) {
    Admin::connect(&rig.db.settings()).await.unwrap().run(script).await.unwrap();
}

/// A gate for a key of two, and one for the whole kind of one.
async fn gates(rig: &Rig) -> (i32, i32) {
    let by_key = rig.names.gate("mail.report:box=1", 2).await.unwrap();
    let of_kind = Limit { slots: Some(1), rate: None, is_outer: true };
    (by_key, rig.names.gate(KIND, of_kind).await.unwrap())
}

async fn add(rig: &mut Rig, (by_key, of_kind): (i32, i32)) -> JobId {
    let meta = json!({"gate": by_key, "outer_gate": of_kind});
    rig.add(KIND, |row| {
        (row.gate, row.outer_gate, row.meta) = (Some(by_key), Some(of_kind), Some(meta));
    })
    .await
}

/// What holds a job: the name, and how many of how many there are.
async fn held(rig: &Rig, id: JobId) -> (String, u64, Option<u64>) {
    let view = rig.view(id).await;
    assert_eq!(view.state, JobState::Blocked);
    let gate = view.gate.unwrap();
    (gate.name, gate.used, gate.slots)
}

#[tokio::test]
async fn a_job_passes_its_gate_and_then_the_outer_one() {
    let mut rig = Rig::new().await;
    let gates = gates(&rig).await;
    let worker = rig.worker(&[KIND]).await;
    let (first, second, third) =
        (add(&mut rig, gates).await, add(&mut rig, gates).await, add(&mut rig, gates).await);
    let (of_kind, by_key) =
        ((KIND.to_owned(), 1, Some(1)), ("mail.report:box=1".to_owned(), 2, Some(2)));
    assert_eq!(rig.state(first).await, JobState::Queued);
    assert_eq!((held(&rig, second).await, held(&rig, third).await), (of_kind.clone(), by_key));
    let lease = rig.take(worker, KIND).await.unwrap();
    assert_eq!((lease.job, held(&rig, second).await), (first, of_kind.clone()));
    assert!(rig.end(lease, succeeded()).await);
    assert_eq!(rig.state(second).await, JobState::Queued);
    assert_eq!(held(&rig, third).await, of_kind);
    // One that is put off lets the next pass, and passes both again when it is due.
    let lease = rig.take(worker, KIND).await.unwrap();
    assert!(rig.end(lease, mindflight_store::jobs::End::Snooze(HOUR)).await);
    assert_eq!(rig.state(third).await, JobState::Queued);
    let retried = rig.views.retry(second, &record("job.retry")).await.unwrap();
    assert_eq!(retried, Some(Retry::Queued { queues: Vec::new() }));
    assert_eq!(held(&rig, second).await, of_kind);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_job_that_is_run_again_by_hand_passes_both_gates_again() {
    let mut rig = Rig::new().await;
    let gates = gates(&rig).await;
    let worker = rig.worker(&[KIND]).await;
    let again = add(&mut rig, gates).await;
    let lease = rig.take(worker, KIND).await.unwrap();
    assert!(rig.end(lease, failed()).await);
    let other = add(&mut rig, gates).await;
    assert_eq!(rig.state(other).await, JobState::Queued);
    rig.views.retry(again, &record("job.retry")).await.unwrap();
    assert_eq!(held(&rig, again).await, (KIND.to_owned(), 1, Some(1)));
    let lease = rig.take(worker, KIND).await.unwrap();
    assert!(rig.end(lease, succeeded()).await);
    assert_eq!(rig.take(worker, KIND).await.map(|lease| lease.job), Some(again));
    rig.assert_sound().await;
}

/// T12: who waits at the outer gate gives back the inner one.
#[tokio::test]
async fn a_job_that_is_stopped_or_put_off_at_the_outer_gate_gives_back_the_inner_one() {
    let mut rig = Rig::new().await;
    let gates = gates(&rig).await;
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(add(&mut rig, gates).await);
    }
    let at_kind = (KIND.to_owned(), 1, Some(1));
    assert_eq!(held(&rig, jobs[1]).await, at_kind);
    rig.views.cancel(jobs[1], None, &record("job.cancel")).await.unwrap();
    assert_eq!(held(&rig, jobs[2]).await, at_kind);
    rig.views.snooze(jobs[2], Until::After(HOUR), &record("job.snooze")).await.unwrap();
    assert_eq!(held(&rig, jobs[3]).await, at_kind);
    // One that has passed both gives back both.
    rig.views.cancel(jobs[0], None, &record("job.cancel")).await.unwrap();
    assert_eq!(rig.state(jobs[3]).await, JobState::Queued);
    rig.assert_sound().await;
}

async fn queued(rig: &Rig) -> u64 {
    rig.views.queue("mail", super::rig::ALIVE).await.unwrap().unwrap().queued
}

/// Otherwise all that it gave while nothing started would start at once.
#[tokio::test]
async fn a_bucket_does_not_fill_for_those_that_have_not_started() {
    let mut rig = Rig::new().await;
    let limit = Limit { rate: Some(Rate::new(2, HOUR)), ..Limit::default() };
    let gate = rig.names.gate(KIND, limit).await.unwrap();
    let worker = rig.worker(&[KIND]).await;
    for _ in 0..9 {
        rig.add(KIND, |row| row.gate = Some(gate)).await;
    }
    assert_eq!(queued(&rig).await, 2);
    let hours_pass =
        "UPDATE mindflight.gate SET tokens_at = tokens_at - interval '2 hours', wakes_at = now()";
    sql(&rig, hours_pass).await;
    let promoted = rig.keeper.promote(100).await.unwrap();
    assert_eq!((promoted.count, queued(&rig).await), (0, 2));
    assert!(promoted.next.is_some_and(|next| next <= HOUR), "{promoted:?}");
    for _ in 0..2 {
        rig.take(worker, KIND).await.unwrap();
    }
    sql(&rig, hours_pass).await;
    rig.keeper.promote(100).await.unwrap();
    assert_eq!(queued(&rig).await, 2);
    rig.assert_sound().await;
}

#[tokio::test]
async fn a_gate_that_gets_another_limit_lets_pass_what_that_allows() {
    let mut rig = Rig::new().await;
    let gate = rig.names.gate(KIND, 1).await.unwrap();
    for _ in 0..9 {
        rig.add(KIND, |row| row.gate = Some(gate)).await;
    }
    assert_eq!(queued(&rig).await, 1);
    let rated = Limit { slots: Some(7), rate: Some(Rate::new(3, HOUR)), is_outer: false };
    assert_eq!(rig.names.gate(KIND, rated).await.unwrap(), gate);
    // The one that has passed and not started is one of the three.
    rig.keeper.promote(100).await.unwrap();
    assert_eq!(queued(&rig).await, 3);
    rig.names.gate(KIND, 5).await.unwrap();
    rig.keeper.promote(100).await.unwrap();
    assert_eq!(queued(&rig).await, 5);
    assert_eq!(rig.keeper.promote(100).await.unwrap().next, None);
}

async fn claim(rig: &mut Rig, worker: i64, limit: i64) -> Limited {
    let kinds = [rig.names.kind(KIND).await.unwrap()];
    let queue = rig.queue(KIND).await;
    let claim =
        Claim { queue, lane: Lane::Usual, limit, worker, kinds: &kinds, begin: Begin::Start };
    rig.claimer.claim_limited(&claim).await.unwrap()
}

#[tokio::test]
async fn of_a_queue_with_limits_no_more_are_taken_than_they_allow() {
    let mut rig = Rig::new().await;
    let worker = rig.worker(&[KIND]).await;
    for _ in 0..20 {
        rig.add(KIND, |_| ()).await;
    }
    let both = QueueLimits {
        slots: Some(Some(3)),
        rate: Some(Some(Rate::new(5, HOUR))),
        retention: Some(Some(HOUR)),
    };
    let change = record("queue.change");
    let number = rig.views.limit_queue("mail", &both, &change).await.unwrap();
    assert_eq!(number, Some(rig.queue(KIND).await));
    assert_eq!(rig.views.limit_queue("nothing", &both, &change).await.unwrap(), None);
    assert_eq!(audited(rig.db.store(), "queue.change").await, 1);
    let queue = rig.views.queue("mail", super::rig::ALIVE).await.unwrap().unwrap();
    assert_eq!(
        (queue.concurrency, queue.rate.as_deref(), queue.retention.as_deref()),
        (Some(3), Some("5/1h"), Some("1h"))
    );
    let one = claim(&mut rig, worker, 1).await;
    assert_eq!((one.jobs.len(), one.hold), (1, None));
    let two = claim(&mut rig, worker, 10).await;
    assert_eq!((two.jobs.len(), two.hold), (2, Some(Hold::Slots)));
    assert_eq!(claim(&mut rig, worker, 10).await.hold, Some(Hold::Slots));
    for job in two.jobs {
        assert!(rig.end(job.lease, succeeded()).await);
    }
    let last = claim(&mut rig, worker, 10).await;
    assert_eq!((last.jobs.len(), last.hold), (2, Some(Hold::Slots)));
    for job in last.jobs {
        assert!(rig.end(job.lease, succeeded()).await);
    }
    let Limited { jobs, hold } = claim(&mut rig, worker, 10).await;
    let Some(Hold::Rate(wait)) = hold else { panic!("{hold:?}") };
    assert!(jobs.is_empty() && wait > HOUR / 10 && wait <= HOUR / 5, "{wait:?}");
    let none = QueueLimits { slots: Some(None), rate: Some(None), retention: Some(None) };
    rig.views.limit_queue("mail", &none, &change).await.unwrap();
    let rest = claim(&mut rig, worker, 10).await;
    assert_eq!((rest.jobs.len(), rest.hold), (10, None));
}
