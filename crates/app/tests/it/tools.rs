//! Listing and describing tools.

use serde_json::{Value, json};

use crate::rig::Rig;

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().filter_map(|tool| tool["name"].as_str()).collect()
}

#[tokio::test]
async fn tools_are_listed_sorted_in_pages_and_by_filter() {
    let rig = Rig::new().await;
    let all = rig.server.get("/api/tools").await.ok();
    let all = names(&all);
    assert!(all.is_sorted() && all.contains(&"demo_add") && all.contains(&"echo_say"), "{all:?}");
    assert!(all.contains(&"template_example_example_tool"));

    let first = rig.server.get("/api/tools?provider=demo&limit=2").await.ok();
    assert_eq!(names(&first), ["demo_add", "demo_block"]);
    let next =
        format!("/api/tools?provider=demo&limit=2&cursor={}", first["next"].as_str().unwrap());
    assert_eq!(names(&rig.server.get(&next).await.ok()), ["demo_calculator", "demo_count"]);

    let found = rig.server.get("/api/tools?q=arithmetic").await.ok();
    assert_eq!(names(&found), ["demo_calculator"]);
    let short = rig.server.get("/api/tools?provider=echo&detail=names").await.ok();
    assert_eq!(short, json!({"items": [{"name": "echo_say"}], "next": null}));
}

#[tokio::test]
async fn each_vendor_gets_its_own_shape() {
    let rig = Rig::new().await;
    let one = |format: &str| {
        let path = format!("/api/tools?provider=echo&format={format}");
        let answer = rig.server.call("GET", &path).send();
        async { answer.await.ok()["items"][0].clone() }
    };
    let openai = one("openai").await;
    assert_eq!(
        (&openai["type"], &openai["function"]["name"]),
        (&json!("function"), &json!("echo_say"))
    );
    assert_eq!(openai["function"]["parameters"]["required"], json!(["text"]));
    assert_eq!(one("anthropic").await["input_schema"]["additionalProperties"], json!(false));
    let mcp = one("mcp").await;
    assert_eq!(mcp["annotations"]["readOnlyHint"], json!(true));
    assert_eq!(mcp["inputSchema"]["type"], json!("object"));
}

#[tokio::test]
async fn a_list_that_did_not_change_is_not_sent_again() {
    let rig = Rig::new().await;
    let first = rig.server.get("/api/tools/echo_say").await;
    let again = rig.server.call("GET", "/api/tools/echo_say");
    let again = again.header("if-none-match", first.header("etag")).send().await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_caller_sees_only_the_tools_it_may_call() {
    let rig = Rig::new().await;
    let key = rig.key("tools:call:echo_say").await;
    let list = rig.server.call("GET", "/api/tools").key(&key).send().await.ok();
    assert_eq!(names(&list), ["echo_say"]);
    let other =
        rig.server.call("POST", "/api/tools/demo_add").key(&key).json(&json!({"a": 1, "b": 2}));
    let refused = other.send().await;
    assert!(refused.problem(403, "forbidden").contains("tools:call:demo_add"));
    let own = rig.server.call("POST", "/api/tools/echo_say").key(&key).json(&json!({"text": "x"}));
    assert_eq!(own.send().await.ok(), json!({"text": "x"}));
}

#[tokio::test]
async fn the_document_describes_every_tool_and_path() {
    let rig = Rig::new().await;
    let document = rig.server.call("GET", "/openapi.json").send().await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    let add = &document["paths"]["/api/tools/demo_add"]["post"];
    let schema = &add["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["a", "b"]));
    for path in ["/api/keys", "/api/memory/{key}", "/health", "/info", "/tools/{name}"] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    assert!(document["components"]["schemas"]["Problem"]["properties"]["fault"].is_object());
}
