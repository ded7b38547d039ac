//! What is sent, and what of the answer is given.

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_http::Http;
use serde_json::{Value, json};

async fn kit() -> Kit<Http> {
    Kit::new(json!({})).await
}

#[tokio::test]
async fn an_answer_is_given_as_it_came() {
    let kit = kit().await;
    kit.http()
        .on(Method::GET, "https://api.example/v1/items?q=a%20b")
        .reply_sequence([Scripted::new(200, json!({"items": [1, 2]})).header("ETag", "\"x\"")]);
    let reply = kit.call("fetch", json!({"url": "https://api.example/v1/items?q=a b#part"})).await;
    reply.assert_ok(json!({
        "url": "https://api.example/v1/items?q=a%20b",
        "status": 200,
        "headers": {"content-type": "application/json", "etag": "\"x\""},
        "body": "{\"items\":[1,2]}",
        "encoding": "text",
        "json": {"items": [1, 2]},
        "from_cache": "miss",
        "fetched_at": "2026-01-01T00:00:00Z",
    }));
}

#[tokio::test]
async fn every_status_is_a_result() {
    let kit = kit().await;
    for status in [204, 304, 400, 401, 404, 410, 429, 500, 503] {
        kit.http().on(Method::GET, "/x").reply(status, "why");
        let reply = kit.call("fetch", json!({"url": "https://a.example/x"})).await;
        assert_eq!(reply.output()["status"], status);
        assert_eq!(reply.output()["body"], "why");
    }
}

#[tokio::test]
async fn no_answer_is_an_error() {
    let kit = kit().await;
    kit.http().on(Method::GET, "/x").drop_connection();
    let reply = kit.call("fetch", json!({"url": "https://a.example/x"})).await;
    reply.assert_error().code("upstream_error").status(502);
}

#[tokio::test]
async fn a_body_is_text_or_json() {
    let kit = kit().await;
    kit.http().on(Method::POST, "/x").reply_always(201, "");
    let url = "https://a.example/x";
    let json = json!({"url": url, "method": "POST", "json": {"a": [1, null]}});
    assert_eq!(kit.call("fetch", json).await.output()["status"], 201);
    let text = json!({
        "url": url, "method": "POST", "body": "<a/>", "headers": {"Content-Type": "application/xml", "X-Mine": "1"}
    });
    assert_eq!(kit.call("fetch", text).await.output()["status"], 201);
    let sent = kit.http().requests();
    assert_eq!(sent[0].body().as_ref(), b"{\"a\":[1,null]}");
    assert_eq!(sent[0].headers()["content-type"], "application/json");
    assert_eq!(sent[1].body().as_ref(), b"<a/>");
    assert_eq!(sent[1].headers()["content-type"], "application/xml");
    assert_eq!(sent[1].headers()["x-mine"], "1");

    let both = json!({"url": url, "method": "POST", "body": "x", "json": 1});
    kit.call("fetch", both).await.assert_error().status(422).detail_contains("`json`").has_fix();
    let with_get = json!({"url": url, "body": "x"});
    kit.call("fetch", with_get).await.assert_error().status(422).detail_contains("no body");
    assert_eq!(kit.http().requests().len(), 2);
}

#[tokio::test]
async fn headers_of_the_message_itself_are_refused_by_name() {
    let kit = kit().await;
    for name in [
        "Host",
        "Content-Length",
        "connection",
        "Transfer-Encoding",
        "TE",
        "Trailer",
        "Upgrade",
        "Keep-Alive",
        "Expect",
        "Accept-Encoding",
        "Proxy-Authorization",
        "proxy-anything",
    ] {
        let input = json!({"url": "https://a.example/", "headers": {name: "secret-value"}});
        kit.call("fetch", input)
            .await
            .assert_error()
            .code("invalid_arguments")
            .names_field(&format!("/headers/{name}"))
            .hides("secret-value");
    }
    let wrong: [(&str, &str); 3] = [("a b", "x"), ("", "x"), ("x-ok", "line\r\nx-evil: 1")];
    for (name, value) in wrong {
        let input = json!({"url": "https://a.example/", "headers": {name: value}});
        kit.call("fetch", input).await.assert_error().status(422).hides("x-evil");
    }
    let twice = json!({"url": "https://a.example/", "headers": {"X-A": "1", "x-a": "2"}});
    kit.call("fetch", twice).await.assert_error().status(422).detail_contains("twice");
    assert!(kit.http().requests().is_empty());
}

#[tokio::test]
async fn what_is_no_url_of_the_web_is_refused() {
    let kit = kit().await;
    for url in [
        "example.com",
        "/path",
        "ftp://a.example/",
        "file:///etc/passwd",
        "data:text/plain,x",
        "https://",
        "https://user:hunter2@a.example/",
        "javascript:alert(1)",
    ] {
        kit.call("fetch", json!({"url": url}))
            .await
            .assert_error()
            .code("invalid_arguments")
            .names_field("/url")
            .hides("hunter2");
    }
}

#[tokio::test]
async fn hosts_of_other_alphabets_are_found() {
    let kit = kit().await;
    kit.http().on(Method::GET, "https://xn--bcher-kva.example/%C3%BC").reply(200, "ja");
    let reply = kit.call("fetch", json!({"url": "https://bücher.example/ü"})).await;
    assert_eq!(reply.output()["body"], "ja");
}

#[tokio::test]
async fn bytes_come_as_base64_and_html_as_it_is() {
    let kit = kit().await;
    let page = "<html><script>1 < 2</script></html>";
    kit.http().on(Method::GET, "/page").reply_sequence([
        Scripted::new(200, page).header("content-type", "text/html; charset=utf-8")
    ]);
    kit.http().on(Method::GET, "/image").reply(200, vec![0x89, b'P', 0, 1]);
    let get = async |path: &str| -> Value {
        let url = format!("https://a.example{path}");
        kit.call("fetch", json!({"url": url})).await.output().clone()
    };
    assert_eq!(get("/page").await["body"], page);
    let image = get("/image").await;
    assert_eq!((&image["body"], &image["encoding"]), (&json!("iVAAAQ=="), &json!("base64")));
}
