//! Running what was asked for until nothing is left.

use std::time::Duration;

use chrono::TimeDelta;
use mindflight_core::policy::JobState;
use mindflight_core::ports::EnqueueOptions;
use serde_json::{Value, json};

use crate::works::{Boom, Endless, Flaky, Nap, Note, Refresh, Refuse, Sell, Sync, Wait, kit};

fn note(name: &str) -> Note {
    Note { name: name.to_owned() }
}

#[tokio::test]
async fn retries_wait_as_long_as_their_kind_says() {
    let kit = kit().await;
    let (good, bad) =
        (kit.jobs().enqueue(&Flaky { times: 2 }), kit.jobs().enqueue(&Flaky { times: 3 }));
    let before = kit.clock().now();
    let drained = kit.run_until_idle().await;
    // 1 s and 2 s.
    assert_eq!((kit.clock().now() - before).num_seconds(), 3);
    let job = drained.job(good).expect("it was run");
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 3));
    assert_eq!(job.result, Some(json!({"attempt": 3, "job": good, "key": good})));
    assert!(job.error.is_none());
    let job = drained.job(bad).expect("it was run");
    assert_eq!((job.state, job.attempts, &job.result), (JobState::Failed, 3, &None));
    assert_eq!(job.error.as_ref().map(|error| error.name()), Some("upstream_error"));
    assert!(kit.run_until_idle().await.jobs().is_empty(), "what has ended is not run again");
}

#[tokio::test]
async fn what_cannot_help_is_not_tried_again_and_a_panic_is() {
    let kit = kit().await;
    kit.jobs().enqueue(&Refuse {});
    kit.jobs().enqueue(&Boom {});
    kit.jobs().enqueue(("flaky", json!({"times": "two"})));
    let drained = kit.run_until_idle().await;
    let ends: Vec<_> = drained.jobs().iter().map(|job| (job.state, job.attempts)).collect();
    assert_eq!(ends, [(JobState::Failed, 1), (JobState::Failed, 2), (JobState::Failed, 1)]);
    let codes: Vec<_> =
        drained.jobs().iter().flat_map(|job| &job.error).map(|e| e.name()).collect();
    assert_eq!(codes, ["provider_error", "job_panicked", "invalid_arguments"]);
}

#[tokio::test]
async fn a_snooze_spends_no_attempt_and_moves_the_clock() {
    let kit = kit().await;
    kit.jobs().enqueue(&Nap { times: 3 });
    let before = kit.clock().now();
    let drained = kit.run_until_idle().await;
    drained.assert_all_succeeded();
    assert_eq!(drained.of::<Nap>()[0].attempts, 1);
    assert_eq!((kit.clock().now() - before).num_hours(), 3);
}

#[tokio::test]
async fn a_deadline_spends_an_attempt() {
    let kit = kit().await;
    kit.jobs().enqueue(&Wait { seconds: 61 });
    let drained = kit.run_until_idle().await;
    let job = &drained.jobs()[0];
    assert_eq!((job.state, job.attempts), (JobState::Failed, 2));
    assert_eq!(job.error.as_ref().map(|error| error.name()), Some("timeout"));
}

#[tokio::test]
async fn what_is_due_goes_by_priority_and_the_rest_by_time() {
    let kit = kit().await;
    let jobs = kit.jobs();
    let with = |name: &str, options: EnqueueOptions| {
        jobs.enqueue_with(&note(name), options).expect("there is such a kind");
    };
    let none = EnqueueOptions::default;
    let now = kit.clock().now();
    with(
        "in an hour",
        EnqueueOptions { delay: Some(Duration::from_secs(3600)), priority: Some(0), ..none() },
    );
    with("at half", EnqueueOptions { run_at: Some(now + TimeDelta::minutes(30)), ..none() });
    with(
        "long due",
        EnqueueOptions { run_at: Some(now - TimeDelta::hours(1)), priority: Some(6), ..none() },
    );
    with("first", none());
    with("second", none());
    with("urgent", EnqueueOptions { priority: Some(1), ..none() });
    kit.run_until_idle().await.assert_all_succeeded();
    let order = kit.events().of::<String>("works.noted");
    assert_eq!(order, ["urgent", "first", "second", "long due", "at half", "in an hour"]);
    assert_eq!((kit.clock().now() - now).num_minutes(), 60);
}

#[tokio::test]
async fn attempts_are_those_of_the_job_if_it_says_so() {
    let kit = kit().await;
    let options = EnqueueOptions { max_attempts: Some(5), ..EnqueueOptions::default() };
    kit.jobs().enqueue_with(&Flaky { times: 4 }, options).expect("there is such a kind");
    let drained = kit.run_until_idle().await;
    assert_eq!(drained.assert_all_succeeded().jobs()[0].attempts, 5);
}

#[tokio::test]
async fn one_key_is_one_job_until_that_has_ended() {
    let kit = kit().await;
    let sync = |account, page| kit.jobs().enqueue(&Sync { account, page });
    let first = sync(7, 1);
    assert_eq!(sync(7, 2), first);
    assert_ne!(sync(8, 1), first);
    let keyed = || {
        let options =
            EnqueueOptions { unique_key: Some("k".to_owned()), ..EnqueueOptions::default() };
        kit.jobs().enqueue_with(&note("keyed"), options).expect("there is such a kind")
    };
    let key = keyed();
    assert_eq!(keyed(), key);
    // Each `sync` looks, while it runs, whether its key is still its own.
    let drained = kit.run_until_idle().await;
    assert_eq!(drained.assert_all_succeeded().jobs().len(), 3);
    assert_ne!(sync(7, 3), first);
    assert_ne!(keyed(), key);
}

#[tokio::test]
async fn a_key_that_is_held_until_the_start_lets_one_run_and_one_wait() {
    let kit = kit().await;
    let first = kit.jobs().enqueue(&Refresh { again: true });
    assert_eq!(kit.jobs().enqueue(&Refresh { again: true }), first);
    // The first asks for another one while it runs.
    let drained = kit.run_until_idle().await;
    assert_eq!(drained.assert_all_succeeded().jobs().len(), 2);
}

#[tokio::test]
async fn jobs_of_a_transaction_are_there_once_it_has_finished() {
    let kit = kit().await;
    kit.call("ask", json!({})).await.assert_error().code("conflict");
    assert!(kit.run_until_idle().await.jobs().is_empty());
    kit.jobs().enqueue(&Sell { thing: "tea".to_owned() });
    let drained = kit.run_until_idle().await;
    let kinds: Vec<_> =
        drained.assert_all_succeeded().jobs().iter().map(|job| &*job.kind).collect();
    assert_eq!(kinds, ["works.sell", "works.note"]);
    assert_eq!(kit.events().of::<Value>("works.noted"), [json!("tea")]);
}

#[tokio::test]
async fn a_kind_that_nobody_declares_is_refused() {
    let kit = kit().await;
    let refused = kit.jobs().enqueue_with(("noet", json!({})), EnqueueOptions::default());
    let error = refused.expect_err("there is no such kind");
    assert_eq!((error.name(), error.status()), ("unknown_kind", 422));
    assert!(error.detail().contains("works.note"), "{error}");
}

#[tokio::test]
#[should_panic(expected = "`works.endless`: does a job enqueue itself")]
async fn jobs_without_end_fail_the_test() {
    let kit = kit().await;
    kit.jobs().enqueue(&Endless {});
    drop(kit.run_until_idle().await);
}

#[tokio::test]
#[should_panic(expected = "there was no job to run")]
async fn nothing_to_run_is_no_success() {
    kit().await.run_until_idle().await.assert_all_succeeded();
}
