//! How answers are told apart: results, problems, strangers.

use std::net::TcpListener;
use std::time::Duration;

use mindflight_api::health::Status;
use mindflight_client::{Client, Error, Settings};
use serde_json::json;

use crate::canned::{Canned, answer, client, ours};

const PROBLEM: &str = r#"{"type":"https://mindflight.dev/errors/tool_not_found","title":"No such tool",
    "status":404,"detail":"no tool `exmaple`; did you mean `example`?","instance":"/requests/1","code":"tool_not_found",
    "fault":"caller","retry":"after_fix","request_id":"1"}"#;

#[tokio::test]
async fn a_problem_object_becomes_an_api_error() {
    let server = Canned::start(vec![answer(
        "404 Not Found",
        "Api-Version: 1\r\nContent-Type: application/problem+json; charset=utf-8\r\n",
        PROBLEM,
    )]);
    let error = client(&server.url).tools().get("exmaple").await.unwrap_err();
    assert_eq!(error.problem().unwrap().code, "tool_not_found");
    assert_eq!(error.to_string(), "no tool `exmaple`; did you mean `example`?");
}

#[tokio::test]
async fn a_strangers_answer_is_never_a_result() {
    let html = "Content-Type: text/html\r\n";
    for (canned, part) in [
        (answer("200 OK", "Content-Type: application/json\r\n", "{}"), "Api-Version"),
        (answer("200 OK", html, "<p>hello"), "Api-Version"),
        (answer("502 Bad Gateway", html, "<p>no"), "502 Bad Gateway with text/html"),
        (answer("404 Not Found", "", ""), "no content type"),
        (answer("301 Moved", "Location: https://there/\r\n", ""), "redirects to `https://there/`"),
        (answer("404 Not Found", "Content-Type: application/problem+json\r\n", "{}"), "404"),
    ] {
        let server = Canned::start(vec![canned]);
        let error = client(&server.url).tools().call("a", &json!({})).await.unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[tokio::test]
async fn our_answer_in_another_shape_is_a_decode_error() {
    let server = Canned::start(vec![ours("200 OK", r#"{"items":3}"#)]);
    let error = client(&server.url).providers().list().await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    assert!(error.to_string().contains("/api/providers"), "{error}");
}

#[tokio::test]
async fn an_unhealthy_server_still_says_how_it_is() {
    let body = r#"{"status":"unhealthy","timestamp":1,"version":"0.1.0",
        "checks":{"database":{"status":"unhealthy","detail":"away"}}}"#;
    let server = Canned::start(vec![ours("503 Service Unavailable", body)]);
    assert_eq!(client(&server.url).health().await.unwrap().status, Status::Unhealthy);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let settings = Settings { timeout: Duration::from_millis(20), ..Settings::default() };
    let client = Client::with_settings(&url, None, settings).unwrap();
    let error = client.me().await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
}
