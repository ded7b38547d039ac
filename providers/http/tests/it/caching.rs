//! Answers that are served again, and those that are not.

use std::time::Duration;

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_http::Http;
use serde_json::{Value, json};

const URL: &str = "https://a.example/x";

async fn kit() -> Kit<Http> {
    Kit::new(json!({})).await
}

async fn fetch(kit: &Kit<Http>, input: Value) -> Value {
    let mut input = input;
    input["url"] = json!(URL);
    kit.call("fetch", input).await.output().clone()
}

/// What comes of two fetches of the same answer, a minute apart.
async fn second(answer: Scripted, input: Value) -> Value {
    let kit = kit().await;
    kit.http().on(Method::GET, "/x").reply_sequence([answer.clone(), answer]);
    assert_eq!(fetch(&kit, input.clone()).await["from_cache"], "miss");
    kit.clock().advance(Duration::from_secs(60)).await;
    fetch(&kit, input).await
}

fn answer(headers: &[(&str, &str)]) -> Scripted {
    let plain = Scripted::new(200, "text");
    headers.iter().fold(plain, |answer, (name, value)| answer.header(name, value))
}

#[tokio::test]
async fn a_fresh_answer_is_not_fetched_again() {
    let hit = second(answer(&[("cache-control", "max-age=100")]), json!({})).await;
    assert_eq!(hit["from_cache"], "hit");
    assert_eq!((&hit["body"], &hit["headers"]["age"]), (&json!("text"), &json!("60")));
    assert_eq!(hit["fetched_at"], "2026-01-01T00:00:00Z");
}

#[tokio::test]
async fn what_http_forbids_to_keep_is_fetched_again() {
    for headers in [
        &[][..],
        &[("cache-control", "no-store")],
        &[("cache-control", "max-age=30")],
        &[("cache-control", "max-age=100, no-cache")],
        &[("cache-control", "max-age=100"), ("age", "90")],
        &[("cache-control", "max-age=100"), ("vary", "*")],
        &[("cache-control", "max-age=100"), ("set-cookie", "session=1")],
    ] {
        assert_eq!(second(answer(headers), json!({})).await["from_cache"], "miss", "{headers:?}");
    }
}

#[tokio::test]
async fn what_a_caller_fetches_with_credentials_is_not_kept() {
    for header in ["authorization", "cookie", "x-api-key", "x-anything"] {
        let fresh = answer(&[("cache-control", "public, max-age=100")]);
        let input = json!({"headers": {header: "secret"}});
        assert_eq!(second(fresh, input).await["from_cache"], "miss", "{header}");
    }
}

#[tokio::test]
async fn a_kept_answer_is_not_for_a_caller_with_credentials() {
    let kit = kit().await;
    let fresh = answer(&[("cache-control", "max-age=100")]);
    kit.http().on(Method::GET, "/x").reply_sequence([fresh, Scripted::new(200, "mine")]);
    fetch(&kit, json!({})).await;
    let own = fetch(&kit, json!({"headers": {"authorization": "Bearer mine"}})).await;
    assert_eq!((&own["from_cache"], &own["body"]), (&json!("miss"), &json!("mine")));
    assert_eq!(fetch(&kit, json!({})).await["body"], "text");
}

#[tokio::test]
async fn a_caller_may_refuse_what_is_kept() {
    for word in ["no-store", "no-cache", "max-age=10"] {
        let fresh = answer(&[("cache-control", "max-age=100")]);
        let input = json!({"headers": {"cache-control": word}});
        assert_eq!(second(fresh, input).await["from_cache"], "miss", "{word}");
    }
}

#[tokio::test]
async fn a_stale_answer_is_asked_about_and_renewed() {
    let kit = kit().await;
    let first = answer(&[("cache-control", "max-age=10"), ("etag", "\"1\""), ("x-old", "1")]);
    let same = Scripted::new(304, ()).header("etag", "\"1\"").header("cache-control", "max-age=50");
    kit.http().on(Method::GET, "/x").reply_sequence([first, same]);
    fetch(&kit, json!({})).await;
    kit.clock().advance(Duration::from_secs(20)).await;
    let renewed = fetch(&kit, json!({})).await;
    assert_eq!(renewed["from_cache"], "revalidated");
    assert_eq!((&renewed["status"], &renewed["body"]), (&json!(200), &json!("text")));
    assert_eq!(renewed["headers"]["x-old"], "1");
    assert_eq!(renewed["headers"]["cache-control"], "max-age=50");
    assert_eq!(renewed["fetched_at"], "2026-01-01T00:00:20Z");
    assert_eq!(kit.http().requests()[1].headers()["if-none-match"], "\"1\"");
    kit.clock().advance(Duration::from_secs(40)).await;
    assert_eq!(fetch(&kit, json!({})).await["from_cache"], "hit");
}

#[tokio::test]
async fn a_date_serves_where_there_is_no_tag() {
    let kit = kit().await;
    let date = "Wed, 31 Dec 2025 00:00:00 GMT";
    let first = answer(&[("cache-control", "no-cache"), ("last-modified", date)]);
    kit.http().on(Method::GET, "/x").reply_sequence([first, Scripted::new(304, ())]);
    fetch(&kit, json!({})).await;
    assert_eq!(fetch(&kit, json!({})).await["from_cache"], "revalidated");
    assert_eq!(kit.http().requests()[1].headers()["if-modified-since"], date);
}

#[tokio::test]
async fn a_changed_answer_replaces_the_stale_one() {
    let kit = kit().await;
    let first = answer(&[("etag", "\"1\"")]);
    let second = Scripted::new(200, "new").header("etag", "\"2\"");
    kit.http().on(Method::GET, "/x").reply_sequence([first, second, Scripted::new(304, ())]);
    fetch(&kit, json!({})).await;
    assert_eq!(fetch(&kit, json!({})).await["body"], "new");
    let third = fetch(&kit, json!({})).await;
    assert_eq!((&third["from_cache"], &third["body"]), (&json!("revalidated"), &json!("new")));
}

#[tokio::test]
async fn a_304_about_something_else_is_not_believed() {
    let kit = kit().await;
    let other = Scripted::new(304, ()).header("etag", "\"other\"");
    let sequence = [answer(&[("etag", "\"1\"")]), other, Scripted::new(200, "whole")];
    kit.http().on(Method::GET, "/x").reply_sequence(sequence);
    fetch(&kit, json!({})).await;
    assert_eq!(fetch(&kit, json!({})).await["body"], "whole");
    assert!(!kit.http().requests()[2].headers().contains_key("if-none-match"));
}

#[tokio::test]
async fn an_answer_is_for_requests_that_vary_in_nothing() {
    let kit = kit().await;
    let varying = answer(&[("cache-control", "max-age=100"), ("vary", "accept")]);
    kit.http().on(Method::GET, "/x").reply_sequence([varying.clone(), varying]);
    let html = json!({"headers": {"accept": "text/html"}});
    fetch(&kit, html.clone()).await;
    assert_eq!(fetch(&kit, html).await["from_cache"], "hit");
    assert_eq!(
        fetch(&kit, json!({"headers": {"accept": "text/plain"}})).await["from_cache"],
        "miss"
    );
}

#[tokio::test]
async fn what_was_written_to_is_forgotten() {
    let kit = kit().await;
    let fresh = answer(&[("cache-control", "max-age=100")]);
    kit.http().on(Method::GET, "/x").reply_sequence([fresh.clone(), fresh]);
    kit.http()
        .on(Method::POST, "/x")
        .reply_sequence([Scripted::new(500, ()), Scripted::new(204, ())]);
    fetch(&kit, json!({})).await;
    fetch(&kit, json!({"method": "POST"})).await;
    assert_eq!(fetch(&kit, json!({})).await["from_cache"], "hit");
    fetch(&kit, json!({"method": "POST"})).await;
    assert_eq!(fetch(&kit, json!({})).await["from_cache"], "miss");
}

#[tokio::test]
async fn the_cache_is_bounded_by_entries_and_bytes() {
    for bounds in [json!({"max_entries": 2}), json!({"max_bytes": 2200})] {
        let kit = Kit::<Http>::new(json!({"cache": bounds})).await;
        let fresh =
            || answer(&[("cache-control", "max-age=100")]).header("x-fill", &"x".repeat(400));
        let get = async |path: &str| -> Value {
            let url = format!("https://a.example/{path}");
            kit.call("fetch", json!({"url": url})).await.output()["from_cache"].clone()
        };
        for path in ["/1", "/2", "/3"] {
            kit.http().on(Method::GET, path).reply_sequence([fresh(), fresh()]);
        }
        assert_eq!((get("1").await, get("2").await), (json!("miss"), json!("miss")));
        // The first was used last, so the second goes.
        assert_eq!((get("1").await, get("3").await), (json!("hit"), json!("miss")));
        assert_eq!((get("1").await, get("2").await), (json!("hit"), json!("miss")));
    }
    let kit = Kit::<Http>::new(json!({"cache": {"max_entries": 0}})).await;
    let fresh = || answer(&[("cache-control", "max-age=100")]);
    kit.http().on(Method::GET, "/x").reply_sequence([fresh(), fresh()]);
    fetch(&kit, json!({})).await;
    assert_eq!(fetch(&kit, json!({})).await["from_cache"], "miss");
}
