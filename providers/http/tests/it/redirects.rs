//! Where redirects lead, and what goes along.

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_http::Http;
use serde_json::{Value, json};

fn to(status: u16, location: &str) -> Scripted {
    Scripted::new(status, ()).header("location", location)
}

async fn fetch(kit: &Kit<Http>, input: Value) -> Value {
    kit.call("fetch", input).await.output().clone()
}

#[tokio::test]
async fn they_are_followed_and_the_last_url_is_named() {
    let kit = Kit::<Http>::new(json!({})).await;
    kit.http().on(Method::GET, "https://a.example/1").reply_sequence([to(301, "/2?q=1")]);
    kit.http()
        .on(Method::GET, "https://a.example/2?q=1")
        .reply_sequence([to(307, "https://b.example/3")]);
    kit.http().on(Method::GET, "https://b.example/3").reply(200, "there");
    let reply = fetch(&kit, json!({"url": "https://a.example/1"})).await;
    assert_eq!((&reply["url"], &reply["body"]), (&json!("https://b.example/3"), &json!("there")));
}

#[tokio::test]
async fn credentials_stay_with_the_origin_they_are_for() {
    let kit = Kit::<Http>::new(json!({})).await;
    kit.http().on(Method::GET, "https://a.example/1").reply_sequence([to(302, "/2")]);
    kit.http()
        .on(Method::GET, "https://a.example/2")
        .reply_sequence([to(302, "https://a.example:8443/3")]);
    kit.http().on(Method::GET, "https://a.example:8443/3").reply(200, "");
    let headers =
        json!({"authorization": "Bearer x", "cookie": "a=b", "x-api-key": "k", "accept": "a/b"});
    fetch(&kit, json!({"url": "https://a.example/1", "headers": headers})).await;
    let sent = kit.http().requests();
    for name in ["authorization", "cookie", "x-api-key"] {
        let had: Vec<bool> = sent.iter().map(|one| one.headers().contains_key(name)).collect();
        assert_eq!(had, [true, true, false], "{name}");
    }
    assert_eq!(sent[2].headers()["accept"], "a/b");
}

#[tokio::test]
async fn a_body_is_sent_again_only_where_http_says_so() {
    for (status, method, body) in [
        (301, "GET", ""),
        (302, "GET", ""),
        (303, "GET", ""),
        (307, "POST", "1"),
        (308, "POST", "1"),
    ] {
        let kit = Kit::<Http>::new(json!({})).await;
        kit.http().on(Method::POST, "/1").reply_sequence([to(status, "/2")]);
        kit.http().on(method.parse().unwrap(), "/2").reply(200, "");
        fetch(&kit, json!({"url": "https://a.example/1", "method": "POST", "json": 1})).await;
        let sent = kit.http().requests();
        assert_eq!(sent[1].body().as_ref(), body.as_bytes(), "{status}");
        assert_eq!(sent[1].headers().contains_key("content-type"), !body.is_empty(), "{status}");
    }
}

#[tokio::test]
async fn one_too_many_is_the_result() {
    let kit = Kit::<Http>::new(json!({"max_redirects": 2})).await;
    kit.http().on(Method::GET, "/1").reply_sequence([to(302, "/1"), to(302, "/1"), to(302, "/1")]);
    let reply = fetch(&kit, json!({"url": "https://a.example/1"})).await;
    assert_eq!((&reply["status"], &reply["headers"]["location"]), (&json!(302), &json!("/1")));
    kit.http().assert_all_used();
}

#[tokio::test]
async fn what_does_not_lead_to_the_web_is_the_result() {
    for location in
        ["ftp://a.example/", "file:///etc/passwd", "https://u:p@a.example/", "http://a.example/"]
    {
        let kit = Kit::<Http>::new(json!({})).await;
        kit.http().on(Method::GET, "/1").reply_sequence([to(302, location)]);
        let reply = fetch(&kit, json!({"url": "https://a.example/1"})).await;
        assert_eq!(reply["status"], 302, "{location}");
    }
}

#[tokio::test]
async fn they_do_not_lead_out_of_the_allowed_hosts() {
    let config = json!({"hosts": ["a.example"], "default_headers": {"authorization": "Bearer op"}});
    let kit = Kit::<Http>::new(config).await;
    kit.http().on(Method::GET, "/1").reply_sequence([to(302, "https://evil.example/")]);
    let reply = kit.call("fetch", json!({"url": "https://a.example/1"})).await;
    reply
        .assert_error()
        .code("not_allowed")
        .status(403)
        .detail_contains("evil.example")
        .hides("op\"");
    assert_eq!(kit.http().requests().len(), 1);
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_not_reached_by_one() {
    let kit = Kit::<Http>::new(json!({"methods": ["POST"]})).await;
    kit.http().on(Method::POST, "/1").reply_sequence([to(303, "/2")]);
    let reply = fetch(&kit, json!({"url": "https://a.example/1", "method": "POST"})).await;
    assert_eq!(reply["status"], 303);
}
