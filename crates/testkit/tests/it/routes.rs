//! Routes and webhooks.

use http::Method;
use serde_json::{Value, json};

use crate::shop::kit;

#[tokio::test]
async fn a_route_gets_its_parameters_and_query() {
    let answer = kit().await.request(Method::GET, "/orders/7?full=1").send().await;
    answer.assert_status(200);
    assert_eq!(answer.json::<Value>(), json!({"id": "7", "query": "full=1"}));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn only_who_may_reaches_a_route() {
    let kit = kit().await;
    let order = || kit.request(Method::GET, "orders/7");
    order().without_credentials().send().await.assert_error().code("unauthenticated").status(401);
    order()
        .scopes(&["tools:call"])
        .send()
        .await
        .assert_error()
        .code("forbidden")
        .detail_contains("jobs:read");
    order().scopes(&["jobs:read"]).send().await.assert_status(200);
    let public = kit.request(Method::GET, "/catalogue").without_credentials().send().await;
    assert_eq!(public.text(), "page\npage\n");
    assert!(public.cut().is_none());
}

#[tokio::test]
async fn what_is_not_there_or_too_large_is_refused() {
    let kit = kit().await;
    kit.request(Method::GET, "/nothing").send().await.assert_error().status(404);
    kit.request(Method::DELETE, "/notes")
        .send()
        .await
        .assert_error()
        .status(405)
        .detail_contains("POST");
    let note = |text: &'static str| kit.request(Method::POST, "/notes").body(text).send();
    assert_eq!(note("12345678").await.text(), "noted 12345678");
    note("123456789").await.assert_error().code("too_large").status(413);
}

#[tokio::test]
async fn a_delivery_counts_once_however_often_it_comes() {
    let kit = kit().await;
    let hook = kit.webhook("/paid").json(&json!({"order": 1})).signed();
    for answer in hook.twice().await {
        answer.assert_status(202);
    }
    kit.events().assert_published_once("shop.paid");
    hook.id("delivery-2").send().await.assert_status(202);
    assert_eq!(kit.events().of::<Value>("shop.paid"), [json!({"order": 1}), json!({"order": 1})]);
}

#[tokio::test]
async fn what_is_not_signed_well_never_reaches_the_provider() {
    let kit = kit().await;
    let hook = kit.webhook("paid").json(&json!({"order": 1}));
    let refused = [hook.clone().unsigned(), hook.clone().wrong(), hook.clone().stale()];
    let reasons = ["missing", "does not fit", "too old by 60 s"];
    for (hook, reason) in refused.into_iter().zip(reasons) {
        let problem = hook.send().await.assert_error().status(401).detail_contains(reason);
        problem.has_fix().hides(crate::shop::SECRET);
    }
    assert!(kit.events().all().is_empty());
}

#[tokio::test]
async fn other_schemes_and_checks_of_the_providers_own_work_too() {
    let kit = kit().await;
    kit.webhook("/pushed").body("x").send().await.assert_status(204);
    let own = kit.webhook("/own").unsigned();
    own.clone().send().await.assert_error().status(403);
    own.header("x-own", "yes").send().await.assert_status(204);
    kit.webhook("/orders/7").send().await.assert_error().status(405);
}

#[tokio::test]
#[should_panic(expected = "signs no time")]
async fn a_scheme_without_a_time_has_nothing_stale() {
    kit().await.webhook("/pushed").stale().send().await.assert_status(401);
}
