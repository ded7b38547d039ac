//! Single attempts: what they have, how they end, and who has the job.

use std::time::Duration;

use mindflight_api::Fault;
use mindflight_core::JobArgs;
use mindflight_core::policy::Next;
use serde_json::{Value, json};

use crate::works::{Boom, Deaf, Flaky, Nap, Refuse, Sell, Wait, kit};

#[tokio::test]
async fn an_attempt_knows_its_job_and_its_number() {
    let kit = kit().await;
    let run = kit.run_job(&Flaky { times: 0 }).await;
    run.assert_ok(json!({"attempt": 1, "job": run.job(), "key": run.job()}));
    assert_eq!((run.attempt(), run.next()), (1, Next::Succeeded));
    assert_eq!(run.log(), ["attempt 1"]);
    assert_eq!(kit.log(), ["attempt 1"]);
    assert!(kit.jobs().all().is_empty(), "running a job enqueues none");
}

#[tokio::test]
async fn a_kind_is_named_with_json_too() {
    let kit = kit().await;
    for name in ["flaky", "works.flaky"] {
        let run = kit.run_job((name, json!({"times": 1}))).await;
        run.assert_error().code("upstream_error").fault(Fault::Upstream);
        assert_eq!(run.next(), Next::Retry(Duration::from_secs(1)));
    }
}

#[tokio::test]
async fn arguments_are_checked_before_the_function_runs() {
    let kit = kit().await;
    let cases = [
        (json!({}), "/times"),
        (json!({"times": 101}), "/times"),
        (json!({"times": 1, "x": 1}), "/x"),
    ];
    for (args, field) in cases {
        let run = kit.run_job((Flaky::KIND, args)).await;
        run.assert_error().code("invalid_arguments").names_field(field);
        assert_eq!(run.next(), Next::Failed);
        assert!(run.log().is_empty());
    }
}

#[tokio::test]
#[should_panic(expected = "`works` has no kind `flakey`")]
async fn a_kind_that_is_none_is_named() {
    drop(kit().await.run_job(("flakey", json!({}))).await);
}

#[tokio::test]
async fn each_way_to_fail_says_what_comes_next() {
    let kit = kit().await;
    let run = kit.run_job(&Refuse {}).await;
    run.assert_error().code("provider_error").detail_contains("no use");
    assert_eq!(run.next(), Next::Failed);
    let run = kit.run_job(&Nap { times: 1 }).await;
    assert!(run.error().is_some_and(mindflight_core::Error::is_snooze));
    assert_eq!(run.next(), Next::Snooze(Duration::from_secs(3600)));
    let run = kit.run_job(&Boom {}).await;
    run.assert_error()
        .code("job_panicked")
        .detail_contains("`works.boom` crashed")
        .hides("as told");
    assert!(format!("{:?}", run.error()).contains("as told"), "the log has the cause");
    assert_eq!(run.next(), Next::Retry(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_attempt_is_cut_at_the_deadline_of_its_kind() {
    let kit = kit().await;
    let before = kit.clock().now();
    let run = kit.run_job(&Wait { seconds: 3600 }).await;
    run.assert_error().code("timeout").status(504);
    assert_eq!((kit.clock().now() - before).num_seconds(), 60);
    assert_eq!(run.progress().len(), 1);
    assert_eq!(run.next(), Next::Retry(Duration::from_secs(1)));
    let run = kit.run_job(&Wait { seconds: 59 }).await;
    assert!(run.read::<u64>() <= 1);
    assert_eq!(run.progress().len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_stops_and_stays_cancelled() {
    let kit = kit().await;
    let job = kit.start_job(&Wait { seconds: 50 }).await;
    kit.clock().advance(Duration::from_secs(20)).await;
    assert!(!job.is_done());
    let run = job.cancel().await;
    run.assert_error().code("job_cancelled").status(409);
    assert!(format!("{:?}", run.error()).contains("told to stop"), "the log has the cause");
    assert_eq!(run.next(), Next::Cancelled);
}

#[tokio::test]
async fn a_job_that_does_not_notice_that_it_is_cancelled_is_dropped_after_a_second() {
    let kit = kit().await;
    let job = kit.start_job(&Deaf {}).await;
    let before = kit.clock().now();
    let run = job.cancel().await;
    assert_eq!((kit.clock().now() - before).num_seconds(), 1);
    run.assert_error().code("job_cancelled");
    assert_eq!(run.next(), Next::Cancelled);
}

#[tokio::test]
async fn a_job_that_succeeds_although_it_is_cancelled_has_succeeded() {
    let kit = kit().await;
    let job = kit.start_job(&Sell { thing: "tea".to_owned() }).await;
    let run = job.cancel().await;
    run.assert_ok(json!({"sold": 1}));
    assert_eq!(run.next(), Next::Succeeded);
}

#[tokio::test]
async fn a_transaction_closes_the_attempt_and_leaves_no_audit_row() {
    let kit = kit().await;
    let run = kit.run_job(&Sell { thing: "tea".to_owned() }).await;
    run.assert_ok(json!({"sold": 1}));
    assert_eq!(run.next(), Next::Succeeded);
    assert_eq!(kit.memory().get::<i64>("sold"), Some(1));
    assert_eq!(kit.events().of::<Value>("works.sold"), [json!({"number": 1})]);
    assert_eq!(kit.jobs().all().len(), 1);
    assert!(kit.audit().is_empty());
}

#[tokio::test]
async fn a_worker_without_its_lease_writes_nothing() {
    let kit = kit().await;
    let job = kit.start_job(&Sell { thing: "tea".to_owned() }).await;
    job.lose_lease().await;
    let run = job.run().await;
    run.assert_error().code("lease_lost").status(409);
    assert!(run.is_lost());
    assert!(kit.memory().keys().is_empty());
    assert!(kit.jobs().all().is_empty());
    assert!(kit.events().all().is_empty());
    // Beside a transaction, too, only the one who has the job says how it ended.
    let job = kit.start_job(&Wait { seconds: 5 }).await;
    job.lose_lease().await;
    job.run().await.assert_error().code("lease_lost");
}

#[tokio::test]
#[should_panic(expected = "attempt 1 at `works.wait`: Lost")]
async fn what_comes_next_is_not_the_loser_s_to_say() {
    let kit = kit().await;
    let job = kit.start_job(&Wait { seconds: 5 }).await;
    job.lose_lease().await;
    let next = job.run().await.next();
    panic!("it said {next:?}");
}
