//! Jobs that wait for others.

use std::time::Duration;

use mindflight_api::{JobId, JobState};
use mindflight_core::ports::{EnqueueOptions, NewJob, OnFailure};
use mindflight_core::{JobArgs, Result};
use mindflight_queue::{Enqueued, Request};
use mindflight_store::job_views::Retry;
use serde_json::{Value, json};

use crate::bench::{Fail, Fan, Flaky, Join, Note, One, Single, Wait};
use crate::rig::{Engine, Rig, eventually, quick, record};

pub(crate) fn note(key: &str) -> Note {
    Note { key: key.to_owned(), n: 0 }
}

pub(crate) fn join(key: &str) -> Join {
    Join { key: key.to_owned(), n: 0 }
}

fn fail(key: &str) -> Fail {
    Fail { key: key.to_owned(), n: 0 }
}

pub(crate) fn after(parents: &[JobId]) -> EnqueueOptions {
    EnqueueOptions::after(parents.iter().copied())
}

fn whatever(parents: &[JobId]) -> EnqueueOptions {
    EnqueueOptions { on_failure: OnFailure::Run, ..after(parents) }
}

fn in_an_hour() -> EnqueueOptions {
    EnqueueOptions { delay: Some(Duration::from_secs(3600)), ..EnqueueOptions::default() }
}

/// A job of a graph.
pub(crate) fn node<A: JobArgs>(id: JobId, args: &A, options: EnqueueOptions) -> NewJob {
    NewJob::of("bench", args, EnqueueOptions { id: Some(id), ..options }).unwrap()
}

/// Makes a graph in one call.
pub(crate) async fn make(engine: &Engine, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>> {
    let requests = jobs.into_iter().map(|job| Request { job, caller: None });
    engine.queue.enqueue(requests.collect()).await
}

pub(crate) fn ids<const N: usize>() -> [JobId; N] {
    [(); N].map(|()| JobId::new())
}

/// It waits, is let go, and gets what the others gave, in the order in which it named them.
#[tokio::test]
async fn a_job_starts_once_others_have_ended_and_gets_their_results() {
    let rig = Rig::new().await;
    let held = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    let flaky = rig.engine.enqueue(&Flaky { key: "f".to_owned(), n: 2 }).await;
    let first = rig.engine.enqueue(&note("n")).await;
    let joined = rig.engine.enqueue_with(&join("j"), after(&[flaky, held, first])).await;
    rig.reaches(flaky, JobState::Succeeded).await;
    rig.reaches(first, JobState::Succeeded).await;
    let view = rig.view(joined).await.unwrap();
    assert_eq!(
        (view.state, view.reason.as_deref()),
        (JobState::Blocked, Some("waits for 1 of 3 jobs"))
    );
    let parents: Vec<_> = view.after.iter().map(|parent| (parent.id, parent.state)).collect();
    let (done, running) = (Some(JobState::Succeeded), Some(JobState::Running));
    assert_eq!(parents, [(flaky, done), (held, running), (first, done)]);
    assert_eq!(rig.view(held).await.unwrap().then, [joined]);
    assert_eq!(rig.count(JobState::Blocked).await, 1);
    rig.engine.gate.add_permits(1);
    let view = rig.reaches(joined, JobState::Succeeded).await;
    let gave = |kind: &str, result: Value| json!({"kind": kind, "state": "succeeded", "result": result, "error": null});
    let (flaky, wait) = (gave("bench.flaky", json!(3)), gave("bench.wait", json!(null)));
    assert_eq!(view.result, Some(json!([flaky, wait, gave("bench.note", json!({"noted": "n"}))])));
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_diamond_in_one_call_runs_in_its_order() {
    let rig = Rig::new().await;
    let [top, left, right, bottom] = ids();
    let jobs = vec![
        node(bottom, &join("bottom"), after(&[left, right])),
        node(left, &join("left"), after(&[top])),
        node(right, &join("right"), after(&[top])),
        node(top, &note("top"), EnqueueOptions::default()),
    ];
    make(&rig.engine, jobs).await.unwrap();
    rig.reaches(bottom, JobState::Succeeded).await;
    let order = rig.engine.seen.order.lock().unwrap().clone();
    assert_eq!((order[0].as_str(), order[3].as_str()), ("top", "bottom"), "{order:?}");
    rig.assert_placed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_fifty_runs_link_by_link_on_two_engines() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    let chain: [JobId; 50] = ids();
    let link = |place: usize| {
        let before = place.checked_sub(1).map(|before| chain[before]);
        node(chain[place], &join(&place.to_string()), EnqueueOptions::after(before))
    };
    make(&rig.engine, (0..50).rev().map(link).collect()).await.unwrap();
    rig.reaches(chain[49], JobState::Succeeded).await;
    let order = rig.engine.seen.order.lock().unwrap().clone();
    assert_eq!(order, (0..50).map(|place| place.to_string()).collect::<Vec<_>>());
    rig.assert_placed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_results_come_together() {
    let rig = Rig::new().await;
    let _second = rig.second(quick()).await;
    let parents: [JobId; 100] = ids();
    let mut jobs: Vec<NewJob> = parents
        .iter()
        .enumerate()
        .map(|(place, id)| node(*id, &note(&place.to_string()), EnqueueOptions::default()))
        .collect();
    let [all] = ids();
    jobs.push(node(all, &join("all"), after(&parents)));
    make(&rig.engine, jobs).await.unwrap();
    let view = rig.reaches(all, JobState::Succeeded).await;
    let result = view.result.unwrap();
    let noted: Vec<&str> = result
        .as_array()
        .unwrap()
        .iter()
        .map(|parent| parent["result"]["noted"].as_str().unwrap())
        .collect();
    assert_eq!(noted, (0..100).map(|place| place.to_string()).collect::<Vec<_>>());
    assert_eq!(rig.view(parents[0]).await.unwrap().then, [all]);
}

#[tokio::test]
async fn what_waits_for_a_failed_job_is_cancelled_or_runs() {
    let rig = Rig::new().await;
    let held = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    let failing = rig.engine.enqueue_with(&fail("f"), in_an_hour()).await;
    let minding = rig.engine.enqueue_with(&join("minding"), after(&[held, failing])).await;
    let key = EnqueueOptions { unique_key: Some("k".to_owned()), ..after(&[minding]) };
    let below =
        rig.engine.enqueue_with(&Single { key: "below".to_owned(), n: 0 }, key.clone()).await;
    let running = rig.engine.enqueue_with(&join("running"), whatever(&[held, failing])).await;
    let told = rig.engine.enqueue_with(&join("told"), whatever(&[below])).await;
    rig.sql("UPDATE mindflight.scheduled SET run_at = clock_timestamp() WHERE why = 0").await;
    // At once, not when the other has ended.
    let view = rig.reaches(minding, JobState::Cancelled).await;
    let error = view.error.unwrap();
    assert_eq!(error.code, "job_parent_failed");
    assert!(error.detail.contains(&failing.to_string()), "{}", error.detail);
    let view = rig.reaches(below, JobState::Cancelled).await;
    assert!(view.reason.unwrap().contains(&minding.to_string()));
    let view = rig.reaches(told, JobState::Succeeded).await;
    assert_eq!(view.result.unwrap()[0]["error"], "job_parent_failed");
    assert_eq!(rig.state(running).await, Some(JobState::Blocked));
    rig.engine.gate.add_permits(9);
    let view = rig.reaches(running, JobState::Succeeded).await;
    let result = view.result.unwrap();
    assert_eq!(
        (&result[1]["state"], &result[1]["error"]),
        (&json!("failed"), &json!("upstream_error"))
    );
    assert_eq!(rig.engine.seen.starts("minding") + rig.engine.seen.starts("below"), 0);
    // Its key is free again.
    let key = EnqueueOptions { after: Vec::new(), ..key };
    let again = rig.engine.enqueue_with(&Single { key: "below".to_owned(), n: 0 }, key).await;
    assert_ne!(again, below);
    rig.reaches(again, JobState::Succeeded).await;
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_cancelled_job_takes_along_what_waits_for_it() {
    let rig = Rig::new().await;
    let first = rig.engine.enqueue_with(&note("first"), in_an_hour()).await;
    let mut chain = vec![first];
    for place in 0..4 {
        chain.push(
            rig.engine.enqueue_with(&join(&place.to_string()), after(&chain[place..=place])).await,
        );
    }
    rig.cancel(chain[2], &rig.engine).await;
    for job in &chain[2..] {
        rig.reaches(*job, JobState::Cancelled).await;
    }
    assert_eq!(rig.state(first).await, Some(JobState::Scheduled));
    assert_eq!(rig.state(chain[1]).await, Some(JobState::Blocked));
    rig.cancel(first, &rig.engine).await;
    rig.reaches(chain[1], JobState::Cancelled).await;
    let held = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    let waiting = rig.engine.enqueue_with(&join("waiting"), after(&[held])).await;
    rig.starts(held, "w").await;
    rig.cancel(held, &rig.engine).await;
    rig.reaches(waiting, JobState::Cancelled).await;
    rig.assert_placed().await;
}

#[tokio::test]
async fn what_has_ended_already_is_not_waited_for() {
    let rig = Rig::new().await;
    let (done, failed) =
        (rig.engine.enqueue(&note("n")).await, rig.engine.enqueue(&fail("f")).await);
    rig.reaches(done, JobState::Succeeded).await;
    rig.reaches(failed, JobState::Failed).await;
    let next = rig.engine.enqueue_with(&join("next"), after(&[done])).await;
    rig.reaches(next, JobState::Succeeded).await;
    let unwanted = rig.engine.enqueue_with(&join("unwanted"), after(&[done, failed])).await;
    assert_eq!(rig.state(unwanted).await, Some(JobState::Cancelled));
    let both = rig.engine.enqueue_with(&join("both"), whatever(&[done, failed])).await;
    rig.reaches(both, JobState::Succeeded).await;
    // One call, in which a job is cancelled as it is made, and what waits for that.
    let [one, two, three] = ids();
    let jobs = vec![
        node(three, &join("three"), after(&[two])),
        node(two, &join("two"), after(&[one])),
        node(one, &join("one"), after(&[failed])),
    ];
    make(&rig.engine, jobs).await.unwrap();
    assert_eq!(rig.state(three).await, Some(JobState::Cancelled));
    rig.assert_placed().await;
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_refused_and_nothing_is_made() {
    let rig = Rig::new().await;
    let [absent, one, two] = ids();
    let jobs = vec![
        node(one, &note("one"), EnqueueOptions::default()),
        node(two, &join("two"), after(&[one, absent])),
    ];
    let error = make(&rig.engine, jobs).await.unwrap_err();
    assert_eq!(error.status(), 422);
    assert!(error.detail().contains(&absent.to_string()), "{}", error.detail());
    let circle =
        vec![node(one, &join("one"), after(&[two])), node(two, &join("two"), after(&[one]))];
    assert_eq!(make(&rig.engine, circle).await.unwrap_err().status(), 422);
    for job in [one, two] {
        assert_eq!(rig.state(job).await, None);
    }
    rig.assert_placed().await;
}

#[tokio::test]
async fn jobs_of_a_queue_without_history_are_kept_as_long_as_others_wait() {
    let queue = ["bench".to_owned()];
    let settings =
        mindflight_queue::Settings { without_history: queue.into_iter().collect(), ..quick() };
    let rig = Rig::with(settings).await;
    let [one, two, plain, all] = ids();
    let kept = EnqueueOptions { queue: Some("kept".to_owned()), ..after(&[one, two]) };
    let jobs = vec![
        node(one, &note("one"), EnqueueOptions::default()),
        node(two, &Flaky { key: "two".to_owned(), n: 1 }, EnqueueOptions::default()),
        node(plain, &note("plain"), EnqueueOptions::default()),
        node(all, &join("all"), kept),
    ];
    make(&rig.engine, jobs).await.unwrap();
    let view = rig.reaches(all, JobState::Succeeded).await;
    let result = view.result.unwrap();
    assert_eq!((&result[0]["result"]["noted"], &result[1]["result"]), (&json!("one"), &json!(2)));
    eventually("the other is forgotten", async || rig.view(plain).await.is_none()).await;
    let held = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    let waiting = rig.engine.enqueue_with(&join("waiting"), after(&[held])).await;
    rig.starts(held, "w").await;
    rig.cancel(held, &rig.engine).await;
    eventually("it is gone with its parent", async || rig.view(waiting).await.is_none()).await;
    rig.assert_placed().await;
}

#[tokio::test]
async fn a_graph_may_be_made_in_a_transaction_or_by_a_handler() {
    let rig = Rig::new().await;
    for key in ["tx", "-"] {
        let fan = rig.engine.enqueue(&Fan { key: key.to_owned(), n: 7 }).await;
        let made = rig.reaches(fan, JobState::Succeeded).await.result.unwrap();
        let joined: JobId = serde_json::from_value(made).unwrap();
        let result = rig.reaches(joined, JobState::Succeeded).await.result.unwrap();
        assert_eq!(result.as_array().unwrap().len(), 7, "{result}");
    }
    rig.assert_placed().await;
}

#[tokio::test]
async fn limits_hold_for_what_was_let_go() {
    let rig = Rig::new().await;
    let held = rig.engine.enqueue(&Wait { key: "w".to_owned(), n: 0 }).await;
    for _ in 0..20 {
        rig.engine.enqueue_with(&One { key: "o".to_owned(), n: 0 }, after(&[held])).await;
    }
    rig.engine.gate.add_permits(1);
    rig.succeed(21).await;
    assert_eq!(rig.engine.seen.most.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_retry_by_hand_waits_for_nothing_and_revives_nothing() {
    let rig = Rig::new().await;
    let views = rig.db.store().job_views();
    let later = rig.engine.enqueue_with(&note("later"), in_an_hour()).await;
    let failed = rig.engine.enqueue(&Flaky { key: "f".to_owned(), n: 5 }).await;
    let minding = rig.engine.enqueue_with(&join("minding"), after(&[failed])).await;
    let running = rig.engine.enqueue_with(&join("running"), whatever(&[failed, later])).await;
    let refused = views.retry(running, &record()).await.unwrap();
    assert_eq!(refused, Some(Retry::Refused(JobState::Blocked)));
    rig.reaches(failed, JobState::Failed).await;
    rig.reaches(minding, JobState::Cancelled).await;
    // What still waits for others waits for it again.
    views.retry(failed, &record()).await.unwrap();
    rig.reaches(failed, JobState::Succeeded).await;
    assert_eq!(rig.state(minding).await, Some(JobState::Cancelled));
    assert_eq!(rig.state(running).await, Some(JobState::Blocked));
    views.retry(later, &record()).await.unwrap();
    let view = rig.reaches(running, JobState::Succeeded).await;
    assert_eq!(view.result.unwrap()[0]["result"], 6);
    views.retry(minding, &record()).await.unwrap();
    rig.reaches(minding, JobState::Succeeded).await;
    rig.assert_placed().await;
}

#[tokio::test]
async fn links_go_with_the_jobs_that_waited() {
    let rig = Rig::new().await;
    let first = rig.engine.enqueue(&note("first")).await;
    let next = rig.engine.enqueue_with(&join("next"), after(&[first])).await;
    rig.reaches(next, JobState::Succeeded).await;
    let views = rig.db.store().job_views();
    views.delete(first, &record()).await.unwrap();
    assert_eq!(rig.view(next).await.unwrap().after[0].state, None);
    views.delete(next, &record()).await.unwrap();
    rig.sql(
        "DO $$ BEGIN IF EXISTS (SELECT FROM mindflight.dependency) THEN RAISE 'a link is left'; END IF; END $$",
    )
    .await;
}
