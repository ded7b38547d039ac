//! Every kind of bad input has its own clear answer.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn unknown_tools_and_arguments_name_what_is_near() {
    let rig = Rig::new().await;
    let unknown = rig.server.tool("demo_ad", json!({})).await;
    assert!(unknown.problem(404, "tool_not_found").contains("near names: demo_add"));
    let missing = rig.server.tool("demo_add", json!({"a": 1})).await;
    assert_eq!(missing.problem(422, "invalid_arguments"), "`b` is missing");
    assert_eq!(missing.body["errors"][0]["pointer"], "/b");
    let misspelt = rig.server.tool("demo_greet", json!({"nam": "Ada", "name": "Ada"})).await;
    assert!(misspelt.problem(422, "invalid_arguments").contains("did you mean `name`?"));
    let mistyped = rig.server.tool("demo_add", json!({"a": "two", "b": 3})).await;
    assert!(mistyped.problem(422, "invalid_arguments").contains("got the string \"two\""));
    let whole = rig.server.tool("demo_add", json!([2, 3])).await;
    assert!(
        whole.problem(422, "invalid_arguments").contains("must be a JSON object; got an array")
    );
}

#[tokio::test]
async fn bodies_that_cannot_be_read_say_where() {
    let rig = Rig::new().await;
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (body, detail) in [
        (b"{\"a\":1".to_vec(), "the body is not JSON"),
        (b"{\"a\":\"\xff\"}".to_vec(), "not UTF-8: byte 6"),
        (deep.into_bytes(), "nested deeper than 128 levels"),
    ] {
        let answer = rig.server.call("POST", "/api/tools/demo_add").bytes(body).send().await;
        let text = answer.problem(400, "invalid_json");
        assert!(text.contains(detail), "{text}");
    }
    let form = rig.server.call("POST", "/api/tools/demo_add").header("content-type", "text/plain");
    let form = form.json(&json!({})).send().await;
    assert!(form.problem(415, "unsupported_media_type").contains("text/plain"));
    assert!(form.body["fix"].as_str().unwrap().contains("--json"));
}

#[tokio::test]
async fn a_client_that_sends_too_much_hears_the_limit_while_it_sends() {
    let rig = Rig::new().await;
    let large = vec![b' '; 3 * 1024 * 1024];
    let answer = rig.server.call("POST", "/api/tools/demo_add").bytes(large).send().await;
    assert!(answer.problem(413, "too_large").contains("1048576"));
}

#[tokio::test]
async fn methods_versions_queries_and_lengths_that_do_not_fit_are_named() {
    let rig = Rig::new().await;
    let method = rig.server.call("PATCH", "/api/tools").send().await;
    assert!(method.problem(405, "method_not_allowed").contains("takes GET; got PATCH"));
    assert_eq!(method.header("allow"), "GET");
    let version =
        rig.server.call("GET", "/api/tools").header("accept", "application/json; version=2");
    assert!(version.send().await.problem(406, "not_acceptable").contains("there is version 1"));
    let good = rig.server.call("GET", "/api/tools").header("accept", "application/json; version=1");
    assert_eq!(good.send().await.status, 200);
    let query = rig.server.get("/api/tools?formt=mcp").await;
    assert!(query.problem(400, "invalid_query").contains("did you mean `format`?"));
    let value = rig.server.get("/api/tools?format=gpt").await;
    assert!(value.problem(400, "invalid_query").contains("full, openai, anthropic, mcp"));
    let limit = rig.server.get("/api/tools?limit=0").await;
    assert!(limit.problem(400, "invalid_query").contains("1 to 1000; got 0"));
    let long = rig.server.get(&format!("/{}", "x".repeat(2100))).await;
    assert!(long.problem(414, "uri_too_long").contains("2048"));
    let long = rig.server.get(&format!("/api/tools?q={}", "x".repeat(1100))).await;
    assert!(long.problem(414, "uri_too_long").contains("query string"));
    let path = rig.server.get("/api/tool").await;
    assert!(path.problem(404, "not_found").contains("did you mean `/api/tools`?"));
    let id = rig.server.call("DELETE", "/api/keys/7").send().await;
    let _ = id.problem(400, "invalid_id");
}

#[tokio::test]
async fn what_is_no_http_is_answered_and_the_server_goes_on() {
    let rig = Rig::new().await;
    let address = rig.server.url().strip_prefix("http://").unwrap();
    for nonsense in ["\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{1}\u{2}\u{3}\r\n\r\n"]
    {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(nonsense.as_bytes()).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{nonsense:?}: {answer}");
    }
    assert_eq!(rig.server.tool("demo_add", json!({"a": 1, "b": 1})).await.status, 200);
}
