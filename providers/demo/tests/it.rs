//! The demo provider as its callers meet it.

use std::time::Duration;

use http::Method;
use mindflight_core::policy::{JobState, Next};
use mindflight_core::ports::{EnqueueOptions, OnFailure};
use mindflight_testkit::{Kit, contract_tests};
use provider_demo::Demo;
use serde_json::{Value, json};

contract_tests!(
    Demo,
    config = json!({"webhook_secret": "a secret of the test"}),
    panics = ["panic"]
);

async fn kit() -> Kit<Demo> {
    Kit::new(json!({})).await
}

#[tokio::test]
async fn the_calculator_gives_numbers_and_names_the_place_of_a_mistake() {
    let kit = kit().await;
    let cases = [
        ("2 + 2", json!(4)),
        ("1 / 4", json!(0.25)),
        ("0 * -1", json!(0)),
        ("2^60", json!(2f64.powi(60))),
    ];
    for (expression, result) in cases {
        let reply = kit.call("calculator", json!({"expression": expression})).await;
        reply.assert_ok(json!({"result": result}));
    }
    let reply = kit.call("calculator", json!({"expression": "1 / 0"})).await;
    reply
        .assert_error()
        .code("invalid_arguments")
        .detail_contains("division by zero at character 3")
        .has_fix();
}

#[tokio::test]
async fn whole_numbers_are_added_exactly() {
    let kit = kit().await;
    let cases = [
        (json!(2), json!(3), json!(5)),
        (json!(0.5), json!(0.5), json!(1)),
        (json!(0.1), json!(0.2), json!(0.1 + 0.2)),
        (json!(9_007_199_254_740_993_i64), json!(0), json!(9_007_199_254_740_993_i64)),
        (json!(i64::MAX), json!(-1), json!(i64::MAX - 1)),
        (json!(i64::MAX), json!(0.5), json!(i64::MAX as f64)),
    ];
    for (a, b, sum) in cases {
        kit.call("add", json!({"a": a, "b": b})).await.assert_ok(json!({"sum": sum}));
    }
    let refused =
        [(json!(i64::MAX), json!(1)), (json!(u64::MAX), json!(0)), (json!(1e308), json!(1e308))];
    for (a, b) in refused {
        kit.call("add", json!({"a": a, "b": b}))
            .await
            .assert_error()
            .code("invalid_arguments")
            .status(422);
    }
}

#[tokio::test]
async fn it_greets() {
    let reply = kit().await.call("greet", json!({"name": "Ada"})).await;
    reply.assert_ok(json!({"message": "Hello, Ada!"}));
}

#[tokio::test]
async fn a_sleep_tells_its_progress() {
    let kit = kit().await;
    let before = kit.clock().now();
    let reply = kit.call("sleep", json!({"ms": 5000})).await;
    reply.assert_ok(json!({"slept_ms": 5000}));
    let done: Vec<f64> = reply.progress().iter().map(|step| step.done).collect();
    assert_eq!(done, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]);
    assert_eq!((kit.clock().now() - before).num_seconds(), 5);
}

#[tokio::test]
async fn a_sleep_ends_when_its_caller_goes_away() {
    let kit = kit().await;
    let call = kit.start("sleep", json!({"ms": 20_000})).await;
    kit.clock().advance(Duration::from_secs(5)).await;
    assert!(!call.is_done());
    let before = kit.progress().len();
    assert_eq!(before, 2);
    call.cancel().await;
    kit.clock().advance(Duration::from_secs(60)).await;
    assert_eq!(kit.progress().len(), before);
}

#[tokio::test]
async fn a_sleep_beyond_the_deadline_is_cut() {
    let reply = kit().await.call("sleep", json!({"ms": 60_000})).await;
    reply.assert_error().code("timeout").status(504);
}

#[tokio::test]
async fn it_fails_with_the_code_that_is_asked_for() {
    let kit = kit().await;
    for (code, status) in
        [("not_found", 404), ("rate_limited", 429), ("busy", 503), ("demo.odd", 500)]
    {
        let reply = kit.call("fail", json!({"code": code, "message": "as asked"})).await;
        reply.assert_error().code(code).status(status).detail_contains("as asked");
    }
    let reply = kit.call("fail", json!({"code": "No Code", "message": ""})).await;
    reply.assert_error().code("invalid_arguments").detail_contains("code");
}

#[tokio::test]
async fn it_is_flaky_for_each_key_alone() {
    let kit = kit().await;
    let call = |key: &str| kit.call("flaky", json!({"key": key, "fail_times": 2}));
    for _ in 0..2 {
        call("a")
            .await
            .assert_error()
            .code("demo.flaky")
            .status(503)
            .retry_after(Duration::from_millis(100));
    }
    call("a").await.assert_ok(json!({"attempts": 3}));
    call("b").await.assert_error().detail_contains("failure 1 of 2");
    kit.call("flaky", json!({"key": "c", "fail_times": 0})).await.assert_ok(json!({"attempts": 1}));
}

#[tokio::test]
async fn each_call_counts_once_and_in_one_transaction() {
    let kit = kit().await;
    for count in 1..=3 {
        kit.call("count", json!({"key": "a"})).await.assert_ok(json!({"count": count}));
    }
    assert_eq!(kit.memory().get("count:a"), Some(json!(3)));
    assert_eq!(kit.memory().get("count:b"), None::<Value>);
    let outcomes: Vec<String> = kit.audit().into_iter().map(|row| row.outcome).collect();
    assert_eq!(outcomes, ["ok", "ok", "ok"]);
}

#[tokio::test]
async fn a_panic_is_one_calls_failure() {
    let kit = kit().await;
    kit.call("panic", json!({})).await.assert_error().code("tool_panicked").status(500);
    kit.call("greet", json!({"name": "Ada"})).await.assert_ok(json!({"message": "Hello, Ada!"}));
}

#[tokio::test]
async fn a_block_holds_its_thread_and_has_a_limit() {
    let kit = kit().await;
    kit.call("block", json!({"ms": 1})).await.assert_ok(json!({"blocked_ms": 1}));
    let reply = kit.call("block", json!({"ms": 60_001})).await;
    reply.assert_error().code("invalid_arguments").detail_contains("at most 60000");
}

#[tokio::test]
async fn the_route_says_hello() {
    let answer = kit().await.request(Method::GET, "/hello").send().await;
    answer.assert_status(200);
    assert_eq!(answer.json::<Value>(), json!({"message": "hello from demo"}));
}

#[tokio::test]
async fn a_job_sleeps_tells_its_progress_and_stops_when_it_is_cancelled() {
    let kit = kit().await;
    let run = kit.run_job(("sleep", json!({"ms": 60_000}))).await;
    run.assert_ok(json!({"slept_ms": 60_000}));
    assert_eq!(run.progress().len(), 10);
    assert_eq!(run.log(), ["attempt 1 sleeps for 60000 ms"]);
    let job = kit.start_job(("sleep", json!({"ms": 3_600_000}))).await;
    kit.clock().advance(Duration::from_secs(800)).await;
    let run = job.cancel().await;
    run.assert_error().code("job_cancelled");
    assert_eq!(run.next(), Next::Cancelled);
    assert_eq!(run.progress().len(), 2);
}

#[tokio::test]
async fn a_flaky_job_is_tried_until_it_works() {
    let kit = kit().await;
    let job = |fail_times: u32| ("flaky", json!({"key": "k", "fail_times": fail_times}));
    let run = kit.run_job(job(3)).await;
    run.assert_error().code("demo.flaky").detail_contains("failure 1 of 3");
    assert_eq!(run.next(), Next::Retry(Duration::from_millis(100)));
    kit.jobs().enqueue(job(3));
    let drained = kit.run_until_idle().await;
    let ended = &drained.assert_all_succeeded().jobs()[0];
    assert_eq!((ended.attempts, &ended.result), (3, &Some(json!({"attempts": 4}))));
}

#[tokio::test]
async fn a_counting_job_counts_once_wherever_it_crashes() {
    let kit = kit().await;
    kit.crash_matrix(("count", json!({"key": "k"}))).await.effects_once();
    kit.crash_matrix(("tick", json!({}))).await.effects_once();
    kit.run_job(("count", json!({"key": "k"}))).await.assert_ok(json!({"count": 1}));
    kit.call("count", json!({"key": "k"})).await.assert_ok(json!({"count": 2}));
    kit.run_job(("tick", json!({}))).await.assert_ok(json!({"count": 1}));
    assert_eq!(kit.memory().get("ticks"), Some(json!(1)));
}

#[tokio::test]
async fn jobs_that_cannot_end_well_end_soon() {
    let kit = kit().await;
    for (kind, args) in
        [("panic", json!({})), ("fail", json!({})), ("fail", json!({"message": "as asked"}))]
    {
        kit.jobs().enqueue((kind, args));
    }
    let before = kit.clock().now();
    let drained = kit.run_until_idle().await;
    let ends: Vec<_> = drained
        .jobs()
        .iter()
        .map(|job| {
            assert_eq!(job.state, JobState::Failed);
            let error = job.error.as_ref().expect("it failed");
            (job.attempts, error.name().to_owned(), error.detail().to_owned())
        })
        .collect();
    let expected = [
        (3, "job_panicked", "`demo.panic` crashed"),
        (1, "demo.failed", "it failed, as asked"),
        (1, "demo.failed", "as asked"),
    ];
    assert_eq!(ends, expected.map(|(n, code, detail)| (n, code.to_owned(), detail.to_owned())));
    assert!((kit.clock().now() - before).num_seconds() < 1);
}

#[tokio::test]
async fn a_ping_is_published_and_counted_once_wherever_it_crashes() {
    let kit = kit().await;
    kit.call("ping", json!({"note": "hello"})).await;
    kit.events().assert_published_once("demo.ping");
    assert_eq!(kit.events().of::<Value>("demo.ping"), [json!({"note": "hello"})]);
    kit.run_until_idle().await.assert_all_succeeded();
    kit.call("counted", json!({"key": "demo.ping"})).await.assert_ok(json!({"count": 1}));
    // Of another's event, too, whatever it carries.
    assert_eq!(kit.publish("demo.ping", json!([1, 2])).len(), 1);
    assert_eq!(kit.publish("demo.pong", json!({})).len(), 0);
    kit.run_until_idle().await.assert_all_succeeded();
    kit.call("counted", json!({"key": "demo.ping"})).await.assert_ok(json!({"count": 2}));
    kit.call("counted", json!({"key": "nothing"})).await.assert_ok(json!({"count": 0}));
}

#[tokio::test]
async fn a_delivery_is_an_event_and_a_job_and_wants_a_signature() {
    let kit = Kit::<Demo>::new(json!({"webhook_secret": "a secret of the test"})).await;
    let delivery = kit.webhook("/in").json(&json!({"order": 7}));
    delivery.clone().unsigned().send().await.assert_error().status(401);
    delivery.clone().wrong().send().await.assert_error().status(401);
    assert_eq!(kit.events().all(), []);
    delivery.signed().send().await.assert_status(202);
    assert_eq!(kit.events().of::<Value>("demo.received"), [json!({"order": 7})]);
    kit.run_until_idle().await.assert_all_succeeded();
    kit.call("counted", json!({"key": "demo.received"})).await.assert_ok(json!({"count": 1}));
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook_and_an_empty_one_is_refused() {
    kit().await.request(Method::POST, "/in").send().await.assert_error().status(404);
    let refused = Kit::<Demo>::try_new(json!({"webhook_secret": ""})).await.map(drop).unwrap_err();
    assert!(refused.detail().contains("webhook_secret"), "{refused}");
}

#[tokio::test]
async fn a_sum_adds_what_the_jobs_gave_that_it_waited_for() {
    let kit = kit().await;
    let jobs = kit.jobs();
    let first = jobs.enqueue(("sum", json!({"numbers": [1, 2]})));
    let counted = jobs.enqueue(("count", json!({"key": "k"})));
    let refused = jobs.enqueue(("fail", json!({})));
    let options = EnqueueOptions {
        on_failure: OnFailure::Run,
        ..EnqueueOptions::after([first, counted, refused])
    };
    let last = jobs.enqueue_with(("sum", json!({"numbers": [10]})), options).unwrap();
    let drained = kit.run_until_idle().await;
    let result = drained.job(last).unwrap().result.clone();
    assert_eq!(result, Some(json!({"sum": 14, "parents": 3, "failed": 1})));
    let run = kit.run_job(("sum", json!({"numbers": [i64::MAX, 1]}))).await;
    run.assert_error().code("invalid_arguments");
}
