//! What goes over the wire.

use mindflight_api::access::Login;
use mindflight_api::memory::{Status, Store};
use mindflight_api::tool::{Detail, Format};
use mindflight_client::tools::Filter;
use mindflight_client::{Client, Error, Paging};
use serde_json::json;

use crate::canned::{Canned, client, ours};

#[tokio::test]
async fn a_call_sends_key_version_and_arguments() {
    let server = Canned::start(vec![ours("200 OK", r#"{"sum":3}"#)]);
    let client = client(&server.url);
    let result = client.tools().call("demo_add", &json!({"a": 1, "b": 2})).await.unwrap();
    assert_eq!(result, json!({"sum": 3}));
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /api/tools/demo_add HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1,\"b\":2}"), "{request}");
    for header in [
        "authorization: Bearer mf_key",
        "accept: application/json; version=1",
        "content-type: application/json",
        "user-agent: mindflight-client/",
    ] {
        assert!(request.contains(header), "{header} is missing in {request}");
    }
}

#[tokio::test]
async fn filters_and_pages_become_the_query() {
    let empty = ours("200 OK", r#"{"items":[],"next":null}"#);
    let server = Canned::start(vec![empty.clone(), empty]);
    let filter = Filter {
        provider: Some("demo".to_owned()),
        q: Some("a&b".to_owned()),
        paging: Paging { limit: Some(2), cursor: Some("x=".to_owned()) },
    };
    let client = client(&server.url);
    client.tools().list(&filter).await.unwrap();
    client.tools().list_as(&Filter::default(), Format::OpenAi, Detail::Names).await.unwrap();
    let requests = server.requests();
    let first = "GET /api/tools?provider=demo&q=a%26b&limit=2&cursor=x%3D HTTP/1.1";
    assert!(requests[0].starts_with(first), "{}", requests[0]);
    let second = "GET /api/tools?format=openai&detail=names HTTP/1.1";
    assert!(requests[1].starts_with(second), "{}", requests[1]);
}

#[tokio::test]
async fn names_are_one_segment_whatever_they_hold() {
    let server = Canned::start(vec![ours("200 OK", r#"{"status":"deleted"}"#)]);
    let client = Client::new(&format!("{}/below/", server.url), None).unwrap();
    assert_eq!(client.memory().delete("a/b ?#ü").await.unwrap().status, Status::Deleted);
    let request = server.requests().remove(0);
    assert!(request.starts_with("DELETE /below/api/memory/a%2Fb%20%3F%23%C3%BC HTTP"), "{request}");
}

#[tokio::test]
async fn a_name_that_would_change_the_path_is_refused() {
    let client = Client::new("http://127.0.0.1:9", None).unwrap();
    for name in ["", ".", ".."] {
        let error = client.memory().delete(name).await.unwrap_err();
        assert!(matches!(error, Error::Name { .. }), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_sign_in_gives_the_token_to_call_with() {
    let token = r#"{"token":"jwt","token_type":"Bearer","expires_at":"2026-01-01T00:00:00Z"}"#;
    let written = r#"{"status":"stored","version":1}"#;
    let server = Canned::start(vec![ours("200 OK", token), ours("201 Created", written)]);
    let client = Client::new(&server.url, None).unwrap();
    let login = Login { username: "ana".to_owned(), password: "p".to_owned() };
    let token = client.login(&login).await.unwrap().token;
    let entry = Store { key: "k".to_owned(), value: json!(1), ttl_seconds: None, if_version: None };
    client.with_key(&token).unwrap().memory().set(&entry).await.unwrap();
    let requests = server.requests();
    assert!(!requests[0].to_lowercase().contains("authorization"), "{}", requests[0]);
    assert!(requests[1].contains("authorization: Bearer jwt"), "{}", requests[1]);
}
