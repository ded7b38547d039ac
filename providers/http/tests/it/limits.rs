//! The operator's limits, and what the listed tool says of them.

use std::time::Duration;

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_http::Http;
use serde_json::{Value, json};

async fn refused(config: Value) -> String {
    match Kit::<Http>::try_new(config).await {
        Ok(_) => panic!("it can be built"),
        Err(error) => error.detail().to_owned(),
    }
}

#[tokio::test]
async fn only_allowed_methods_are_listed_and_taken() {
    let kit = Kit::<Http>::new(json!({"methods": ["GET", "HEAD"]})).await;
    let tool = kit.tools().remove(0);
    assert_eq!(tool.input_schema["properties"]["method"]["enum"], json!(["GET", "HEAD"]));
    assert!(tool.annotations.read_only);
    let post = json!({"url": "https://a.example/", "method": "POST"});
    kit.call("fetch", post).await.assert_error().status(422).names_field("/method");

    let kit = Kit::<Http>::new(json!({})).await;
    let tool = kit.tools().remove(0);
    assert!(!tool.annotations.read_only && !tool.annotations.destructive);
    let kit = Kit::<Http>::new(json!({"methods": ["DELETE"]})).await;
    assert!(kit.tools().remove(0).annotations.destructive);
    kit.call("fetch", json!({"url": "https://a.example/"}))
        .await
        .assert_error()
        .names_field("/method");
}

#[tokio::test]
async fn only_allowed_hosts_are_reached() {
    let kit = Kit::<Http>::new(json!({"hosts": ["*.example.org"]})).await;
    assert!(kit.tools()[0].description.contains("*.example.org"));
    let reply = kit.call("fetch", json!({"url": "http://169.254.169.254/latest"})).await;
    reply.assert_error().code("not_allowed").status(403).detail_contains("*.example.org");
    assert!(kit.http().requests().is_empty());
}

#[tokio::test]
async fn a_long_body_is_cut_and_says_so() {
    let kit = Kit::<Http>::new(json!({"max_body_bytes": 10, "max_download_bytes": 100})).await;
    kit.http().on(Method::GET, "/x").reply_always(200, "0123456789abc");
    let get = async |most: Value| -> Value {
        let mut input = json!({"url": "https://a.example/x"});
        if !most.is_null() {
            input["max_bytes"] = most;
        }
        kit.call("fetch", input).await.output().clone()
    };
    let cut = get(json!(null)).await;
    assert_eq!((&cut["body"], &cut["truncated"]), (&json!("0123456789"), &json!(true)));
    assert_eq!(get(json!(3)).await["body"], "012");
    let input = json!({"url": "https://a.example/x", "max_bytes": 11});
    kit.call("fetch", input).await.assert_error().names_field("/max_bytes");

    kit.http().on(Method::GET, "/large").reply(200, "x".repeat(101));
    let reply = kit.call("fetch", json!({"url": "https://a.example/large"})).await;
    reply.assert_error().code("upstream_error");
}

#[tokio::test]
async fn the_largest_body_still_fits_into_a_result() {
    let kit = Kit::<Http>::new(json!({"max_body_bytes": 786_432})).await;
    for body in
        ["\u{1}".repeat(786_432), "x".repeat(786_432), format!("[{}1]", "1,".repeat(390_000))]
    {
        let answer = Scripted::new(200, body).header("content-type", "application/json");
        kit.http().on(Method::GET, "/x").reply_sequence([answer]);
        let reply = kit.call("fetch", json!({"url": "https://a.example/x"})).await;
        assert!(reply.output().to_string().len() <= 1024 * 1024);
    }
}

#[tokio::test]
async fn it_takes_no_longer_than_the_caller_and_the_operator_say() {
    let kit = Kit::<Http>::new(json!({"timeout_seconds": 10})).await;
    for (input, seconds) in [
        (json!({"url": "https://a.example/x"}), 10),
        (json!({"url": "https://a.example/x", "timeout_ms": 2000}), 2),
    ] {
        kit.http().on(Method::GET, "/x").delay(Duration::from_secs(30)).reply(200, "late");
        let before = kit.clock().now();
        kit.call("fetch", input).await.assert_error().code("upstream_error");
        assert_eq!((kit.clock().now() - before).num_seconds(), seconds);
    }
    let input = json!({"url": "https://a.example/x", "timeout_ms": 10_001});
    kit.call("fetch", input).await.assert_error().names_field("/timeout_ms");
}

#[tokio::test]
async fn headers_of_the_operator_go_along_and_never_into_results() {
    let config = json!({
        "hosts": ["a.example"], "default_headers": {"x-api-key": "operator-secret", "accept": "a/b"}
    });
    let kit = Kit::<Http>::new(config).await;
    kit.http().on(Method::GET, "/x").reply(200, "ok");
    kit.http().on(Method::GET, "/y").drop_connection();
    let input = json!({"url": "https://a.example/x", "headers": {"Accept": "c/d"}});
    let reply = kit.call("fetch", input).await;
    assert!(!reply.output().to_string().contains("operator-secret"));
    let sent = &kit.http().requests()[0];
    assert_eq!(
        (&sent.headers()["x-api-key"], &sent.headers()["accept"]),
        (&"operator-secret".parse().unwrap(), &"c/d".parse().unwrap())
    );
    let reply = kit.call("fetch", json!({"url": "https://a.example/y"})).await;
    reply.assert_error().hides("operator-secret");
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_by_name() {
    let secret = json!({"default_headers": {"X-Api-Key": "operator-secret"}});
    let detail = refused(secret).await;
    assert!(detail.contains("`hosts`") && !detail.contains("operator-secret"), "{detail}");
    for (config, named) in [
        (json!({"methods": []}), "`methods`"),
        (json!({"methods": ["TRACE"]}), "TRACE"),
        (json!({"hosts": ["https://a.example"]}), "`hosts`"),
        (json!({"timeout_seconds": 0}), "`timeout_seconds`"),
        (json!({"max_body_bytes": 1_000_000}), "`max_body_bytes`"),
        (json!({"max_download_bytes": 1}), "`max_download_bytes`"),
        (json!({"default_headers": {"Host": "x"}}), "`default_headers.Host`"),
        (json!({"default_headers": {"accept": "a\nb"}}), "`default_headers.accept`"),
        (json!({"cache": {"max_entry": 1}}), "max_entry"),
    ] {
        let detail = refused(config).await;
        assert!(detail.contains(named), "{detail}");
    }
}
