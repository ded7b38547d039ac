//! What the document says about access is what the server does, for every operation in it.

use mindflight_testapp::Answer;
use serde_json::{Value, json};

use super::open;
use crate::rig::key;

/// One operation of the document.
struct Documented {
    method: String,
    path: String,
    is_public: bool,
    scope: Option<String>,
}

fn operations(document: &Value) -> Vec<Documented> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, about)| {
            let description = about["description"].as_str().unwrap_or_default();
            let scope = description
                .strip_prefix("Needs the scope `")
                .and_then(|rest| rest.split('`').next());
            // What the tools need is not in their own descriptions.
            let tool = path.strip_prefix("/api/tools/").filter(|name| !name.starts_with('{'));
            Documented {
                method: method.to_uppercase(),
                path: filled(path),
                is_public: about["security"] == json!([]),
                scope: scope.map(str::to_owned).or_else(|| Some(format!("tools:call:{}", tool?))),
            }
        })
    });
    all.collect()
}

/// The path with an id for each parameter.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "01900000-0000-7000-8000-000000000000",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

fn code(answer: &Answer) -> &Value {
    match answer.body["error"].is_object() {
        true => &answer.body["error"]["code"],
        false => &answer.body["code"],
    }
}

#[tokio::test]
async fn what_is_not_public_wants_credentials() {
    let (_db, server) = open(|launch| launch).await;
    let operations = operations(&server.get("/openapi.json").await.ok());
    let closed = operations.iter().filter(|operation| !operation.is_public);
    let mut asked = 0;
    for Documented { method, path, .. } in closed {
        let answer = server.call(method, path).json(&json!({})).send().await;
        assert_eq!(
            (answer.status, code(&answer)),
            (401, &json!("unauthenticated")),
            "{method} {path}: {}",
            answer.text
        );
        assert!(!answer.header("www-authenticate").is_empty(), "{method} {path}");
        if method == "GET" {
            assert_eq!(server.call("HEAD", path).send().await.status, 401, "HEAD {path}");
        }
        asked += 1;
    }
    assert!(asked >= 30, "only {asked} operations want credentials");
    for Documented { method, path, .. } in operations.iter().filter(|operation| operation.is_public)
    {
        let answer = server.call(method, path).json(&json!({})).send().await;
        assert_ne!(answer.status, 401, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_scope_that_is_needed_is_asked_for_and_named() {
    let (db, server) = open(|launch| launch).await;
    // No operation of this release needs it.
    let unrelated = key(&db, "webhooks").await;
    let operations = operations(&server.get("/openapi.json").await.ok());
    let mut asked = 0;
    for Documented { method, path, scope, .. } in &operations {
        let Some(scope) = scope else { continue };
        let answer = server.call(method, path).key(&unrelated).json(&json!({})).send().await;
        let detail = answer.problem(403, "forbidden");
        assert!(detail.contains(&format!("`{scope}`")), "{method} {path}: {detail}");
        asked += 1;
    }
    assert!(asked >= 20, "only {asked} operations need a scope");
}
