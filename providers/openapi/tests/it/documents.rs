//! Documents that cannot be read, and where the others say the API is.

use http::Method;
use mindflight_testkit::Kit;
use provider_openapi::OpenApi;
use serde_json::{Value, json};

use crate::refused;

const URL: &str = "https://docs.example/specs/api.json?token=hunter2";

/// Builds from a document that is fetched.
async fn fetched(status: u16, document: String) -> Result<Kit<OpenApi>, String> {
    let prepared = Kit::<OpenApi>::prepare();
    prepared.http().on(Method::GET, URL).reply(status, document);
    let built = prepared.build(json!({"document": URL})).await;
    built.map_err(|error| format!("{} {}", error.name(), error.detail()))
}

fn document(server: &str) -> Value {
    json!({
        "openapi": "3.0.0", "servers": [{"url": server}],
        "paths": {"/x": {"get": {"operationId": "x", "summary": "Gets x"}}}
    })
}

async fn refusal(status: u16, document: &str) -> String {
    match fetched(status, document.to_owned()).await {
        Ok(_) => panic!("it can be built"),
        Err(detail) => detail,
    }
}

#[tokio::test]
async fn a_relative_server_is_relative_to_the_document() {
    for (server, url) in [
        ("/", "https://docs.example/x"),
        ("../v2", "https://docs.example/v2/x"),
        ("/v1/", "https://docs.example/v1/x"),
        ("//api.example", "https://api.example/x"),
        ("http://api.example:81/v1", "http://api.example:81/v1/x"),
    ] {
        let kit = fetched(200, document(server).to_string()).await.unwrap();
        kit.http().on(Method::GET, url).reply(200, json!({}));
        assert_eq!(kit.call("x", json!({})).await.output()["status"], 200);
        kit.http().assert_all_used();
    }
}

#[tokio::test]
async fn a_document_may_be_yaml_also_when_it_is_fetched() {
    let yaml = "openapi: 3.1.1\npaths:\n  /x:\n    get:\n      operationId: x\n      responses:\n        200: {description: ok}\n";
    let kit = fetched(200, yaml.to_owned()).await.unwrap();
    assert_eq!(kit.tools()[0].name, "openapi_x");
}

#[tokio::test]
async fn a_document_that_cannot_be_fetched_is_named_without_its_query() {
    let detail = refusal(404, "").await;
    assert!(detail.contains("https://docs.example/specs/api.json answered 404"), "{detail}");
    assert!(!detail.contains("hunter2"), "{detail}");
    let prepared = Kit::<OpenApi>::prepare();
    prepared.http().on(Method::GET, URL).drop_connection();
    let error = prepared.build(json!({"document": URL})).await.err().unwrap();
    assert_eq!(error.name(), "provider_unavailable");
    assert!(error.detail().contains("docs.example") && !error.detail().contains("hunter2"));
}

#[tokio::test]
async fn what_cannot_be_read_says_why() {
    for (text, named) in [
        ("{\"swagger\": \"2.0\"}", "Swagger 2.0"),
        ("swagger: 2.0", "Swagger 2"),
        ("{\"openapi\": \"4.0.0\"}", "OpenAPI 4.0.0"),
        ("{\"openapi\": ", "cannot be read"),
        ("a: [", "cannot be read"),
        ("<html>", "no OpenAPI document"),
        ("{\"openapi\": \"3.0.0\"}", "gives no tool"),
    ] {
        let detail = refusal(200, text).await;
        assert!(detail.contains(named) && !detail.contains("hunter2"), "{text}: {detail}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_and_an_api_that_is_nowhere_are_named() {
    let missing = refused(json!({"document": "tests/it/fixtures/none.yaml"})).await;
    assert!(missing.contains("none.yaml"), "{missing}");
    let base = refused(json!({"document": crate::PETSTORE, "base_url": "ftp://x"})).await;
    assert!(base.contains("`base_url`"), "{base}");
    let unknown = refusal(200, &document("https://{tenant}.example").to_string()).await;
    assert!(unknown.contains("`base_url`"), "{unknown}");
}

#[tokio::test]
async fn a_bomb_of_aliases_is_refused() {
    let mut yaml = "openapi: 3.0.0\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        yaml.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    let detail = refusal(200, &yaml).await;
    assert!(detail.contains("cannot be read"), "{detail}");
}

#[tokio::test]
async fn a_large_document_is_read_and_each_of_its_tools_is_small() {
    let mut paths = serde_json::Map::new();
    let mut schemas = serde_json::Map::new();
    for n in 0..100 {
        let next = |by: usize| json!({"$ref": format!("#/components/schemas/S{}", (n + by) % 100)});
        let members =
            json!({"a": next(1), "b": next(7), "c": {"type": "array", "items": next(13)}});
        schemas.insert(format!("S{n}"), json!({"type": "object", "properties": members}));
        let body = json!({"content": {"application/json": {"schema": next(0)}}});
        let operation = json!({"operationId": format!("op{n}"), "requestBody": body});
        paths.insert(format!("/{n}"), json!({"post": operation}));
    }
    let mut whole = document("/");
    whole["paths"] = Value::Object(paths);
    whole["components"] = json!({"schemas": schemas});
    let kit = fetched(200, whole.to_string()).await.unwrap();
    let tools = kit.tools();
    assert_eq!(tools.len(), 100);
    assert!(tools.iter().all(|tool| tool.input_schema.to_string().len() < 100_000));
}
