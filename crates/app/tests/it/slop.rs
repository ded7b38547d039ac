//! SLOP's shapes and dialect over the same tools.

use serde_json::json;

use crate::rig::Rig;

#[tokio::test]
async fn the_same_tools_answer_in_slops_shapes() {
    let rig = Rig::new().await;
    let list = rig.server.get("/tools").await.ok();
    let tools = list["tools"].as_array().unwrap();
    let greet = tools.iter().find(|tool| tool["id"] == "demo_greet").unwrap();
    assert_eq!(greet["parameters"]["name"]["type"], "string");
    assert_eq!(rig.server.get("/tools/demo_greet").await.ok(), *greet);
    let answer = rig.server.post("/tools/demo_calculator", &json!({"expression": "2 + 2"})).await;
    assert_eq!(answer.ok(), json!({"result": {"result": 4}}));
    // Clients wrap their arguments, and send more than a tool asked for.
    for body in [
        json!({"params": {"name": "Ada"}}),
        json!({"tool_id": "demo_greet", "parameters": {"name": "Ada"}}),
        json!({"name": "Ada", "action": "execute"}),
    ] {
        let answer = rig.server.post("/tools/demo_greet", &body).await;
        assert_eq!(answer.ok(), json!({"result": {"message": "Hello, Ada!"}}), "{body}");
    }
}

#[tokio::test]
async fn info_lists_what_is_there_without_credentials() {
    let rig = Rig::new().await;
    let info = rig.server.call("GET", "/info").key("nobody").send().await.ok();
    let endpoints = info["endpoints"].as_array().unwrap();
    let call = endpoints
        .iter()
        .find(|one| one["path"] == "/tools/{name}" && one["method"] == "POST")
        .unwrap();
    assert_eq!(call["methods"], json!(["POST"]));
}

#[tokio::test]
async fn errors_speak_slop() {
    let rig = Rig::new().await;
    let unknown = rig.server.post("/tools/nothing", &json!({})).await;
    assert_eq!((unknown.status, &unknown.body["error"]["code"]), (404, &json!("tool_not_found")));
    assert_eq!(unknown.body["error"]["status"], 404);
    let broken = rig.server.call("POST", "/tools/demo_add").bytes("{").send().await;
    assert_eq!((broken.status, &broken.body["error"]["code"]), (400, &json!("invalid_json")));
    let nobody = rig.server.call("GET", "/tools").key("nobody").send().await;
    assert_eq!((nobody.status, &nobody.body["error"]["code"]), (401, &json!("unauthenticated")));
}

#[tokio::test]
async fn the_scope_header_narrows_and_never_widens() {
    let rig = Rig::new().await;
    let call = async |key: &str, scope: &str, tool: &str, body: serde_json::Value| {
        let call = rig.server.call("POST", &format!("/tools/{tool}")).key(key);
        call.header("x-slop-scope", scope).json(&body).send().await
    };
    let key = rig.key("tools:call").await;
    let add = json!({"a": 1, "b": 1});
    assert_eq!(call(&key, "tools.demo_add.execute", "demo_add", add.clone()).await.status, 200);
    let refused = call(&key, "tools.demo_greet.execute", "demo_add", add.clone()).await;
    assert_eq!((refused.status, &refused.body["permitted"]), (403, &json!(false)));
    assert!(refused.body["error"].as_str().unwrap().contains("tools.demo_add.execute"));
    assert_eq!(call(&key, "tools.safe.*", "demo_count", json!({"key": "k"})).await.status, 403);
    let narrow = rig.key("tools:call:echo_say").await;
    assert_eq!(call(&narrow, "tools.*", "demo_add", add).await.status, 403);
    let list = rig
        .server
        .call("GET", "/tools")
        .header("x-slop-scope", "tools.demo_add.execute")
        .send()
        .await;
    assert_eq!(list.ok()["tools"].as_array().unwrap().len(), 1);
}
