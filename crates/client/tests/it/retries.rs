//! What is sent again, and what is sent once.

use mindflight_client::Error;
use serde_json::json;

use crate::canned::{Canned, client, ours};

const EMPTY: &str = r#"{"items":[],"next":null}"#;

#[tokio::test]
async fn a_read_is_repeated_after_broken_connections() {
    let server = Canned::start(vec![String::new(), String::new(), ours("200 OK", EMPTY)]);
    assert!(client(&server.url).providers().list().await.unwrap().items.is_empty());
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_read_is_given_up_after_two_repetitions() {
    let server = Canned::start(vec![String::new(), String::new(), String::new()]);
    let error = client(&server.url).providers().list().await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_call_is_sent_once() {
    let server = Canned::start(vec![String::new()]);
    let error = client(&server.url).tools().call("a", &json!({})).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_port_without_server_is_unreachable() {
    // No other test can be given this port meanwhile.
    let url = "http://127.0.0.1:1";
    let error = client(url).me().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("no server answers at {url}"));
}
