//! Crashes at every step, and running twice.

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::Method;
use serde_json::json;

use crate::works::{Flaky, Hurry, Nap, Price, Refuse, Sell, kit};

fn panic_of(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    panic.downcast_ref::<String>().expect("a text").clone()
}

#[tokio::test]
async fn a_transaction_has_its_effects_once_wherever_it_crashes() {
    let kit = kit().await;
    kit.memory().set("sold", &40);
    let before = kit.clock().now();
    let matrix = kit.crash_matrix(&Sell { thing: "tea".to_owned() }).await;
    matrix.effects_once();
    let points: Vec<_> =
        matrix.crashes().iter().map(|crash| (&*crash.point, crash.attempts)).collect();
    assert_eq!(
        points,
        [
            ("begin", 2),
            ("tx.memory.add of `sold`", 2),
            ("tx.memory.set of `thing:41`", 2),
            ("tx.jobs.enqueue of `works.note`", 2),
            ("tx.events.publish of `works.sold`", 2),
            ("tx.finish, before it commits", 2),
            ("tx.finish, after it has committed", 1),
        ]
    );
    assert_eq!(matrix.smooth().memory["sold"], 41);
    assert_eq!((matrix.smooth().jobs.len(), matrix.smooth().events.len()), (1, 1));
    // The world is as it was.
    assert_eq!(kit.memory().get::<i64>("sold"), Some(40));
    assert!(kit.jobs().all().is_empty() && kit.events().all().is_empty());
    assert_eq!(kit.clock().now(), before);
    kit.run_job(&Sell { thing: "tea".to_owned() }).await.assert_ok(json!({"sold": 41}));
}

#[tokio::test]
async fn steps_that_are_not_in_a_transaction_are_repeated_and_named() {
    let kit = kit().await;
    let matrix = kit.crash_matrix(&Hurry { thing: "tea".to_owned() }).await;
    let text = panic_of(|| _ = matrix.effects_once());
    for part in [
        "`works.hurry` leaves something else behind when it crashes",
        "crash 1, at: events.publish of `works.sold`\n    memory `sold`: 2 instead of 1",
        "crash 3, at: the end: the function is done, and its outcome is not written yet",
        "jobs: [`works.note` {\"name\":\"tea\"}, `works.note` {\"name\":\"tea\"}] instead of [`works.note`",
        "events: [`works.sold` {\"number\":1}, `works.sold` {\"number\":2}] instead of",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains("crash 0"), "nothing was done before the first step: {text}");
}

#[tokio::test]
async fn what_may_be_repeated_passes_and_its_requests_are_listed() {
    let kit = kit().await;
    kit.http().on(Method::GET, "/tea").reply_always(200, json!({"cents": 5}));
    let price = Price { thing: "tea".to_owned() };
    let matrix = kit.crash_matrix(&price).await;
    let requests: Vec<_> =
        matrix.crashes().iter().map(|crash| crash.effects.requests.len()).collect();
    // Before the request, before either write, and at the end.
    assert_eq!(requests, [1, 2, 2, 2]);
    assert_eq!(matrix.crashes()[0].point, "http: GET https://prices.example/tea");
    assert_eq!(matrix.smooth().memory["price:tea"], json!({"cents": 5}));
    let twice = kit.run_twice(&price).await;
    twice.changed_nothing();
    assert!(!twice.has_changed());
    assert_eq!(twice.runs()[1].attempt(), 2);
    assert_eq!(twice.runs()[1].log(), ["not the first"]);
}

#[tokio::test]
async fn retries_and_snoozes_are_part_of_the_way() {
    let kit = kit().await;
    kit.crash_matrix(&Flaky { times: 1 }).await.effects_once();
    let matrix = kit.crash_matrix(&Nap { times: 2 }).await;
    // Three naps without a crash: one use and one end each.
    assert_eq!(matrix.crashes().len(), 6);
}

#[tokio::test]
#[should_panic(expected = "`works.refuse` does not succeed without a crash")]
async fn a_job_that_fails_has_no_matrix() {
    drop(kit().await.crash_matrix(&Refuse {}).await);
}

#[tokio::test]
#[should_panic(
    expected = "`works.price` does not succeed with a crash at: memory.set of `price:tea`"
)]
async fn a_crash_after_which_it_cannot_go_on_is_named() {
    let kit = kit().await;
    // Whoever asks a second time is refused, for good.
    kit.http().on(Method::GET, "/tea").reply(200, json!(5));
    kit.http().on(Method::GET, "/tea").reply_always(200, "nonsense");
    drop(kit.crash_matrix(&Price { thing: "tea".to_owned() }).await);
}

#[tokio::test]
async fn a_second_time_that_changes_something_says_what() {
    let kit = kit().await;
    let twice = kit.run_twice(&Hurry { thing: "tea".to_owned() }).await;
    assert!(twice.has_changed());
    assert_eq!(twice.effects()[1].memory["sold"], 2);
    let text = panic_of(|| _ = twice.changed_nothing());
    assert!(text.contains("running `works.hurry` a second time"), "{text}");
    assert!(text.contains("memory `sold`: 2 instead of 1"), "{text}");
}
