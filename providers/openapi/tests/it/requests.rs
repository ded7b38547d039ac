//! Exactly what is sent.

use http::Method;
use mindflight_testkit::Kit;
use provider_openapi::OpenApi;
use serde_json::{Value, json};

use crate::{PETSTORE, nasty, petstore};

/// Calls the tool and gives URL and body of what was sent; the service answers with an empty object.
async fn sent(
    kit: &Kit<OpenApi>,
    method: Method,
    tool: &str,
    arguments: Value,
    url: &str,
) -> String {
    kit.http().on(method, url).reply(200, json!({}));
    let reply = kit.call(tool, arguments).await;
    assert_eq!(reply.output()["status"], 200, "{url}");
    kit.http().assert_all_used();
    let requests = kit.http().requests();
    let body = requests.last().map(|request| request.body().to_vec());
    String::from_utf8(body.unwrap_or_default()).unwrap_or_default()
}

#[tokio::test]
async fn queries_and_paths_are_written_as_the_document_says() {
    let kit = petstore().await;
    let base = "https://eu.pets.example/v1";
    for (tool, arguments, url) in [
        ("list_pets", json!({}), "/pets"),
        (
            "list_pets",
            json!({"limit": 5, "tags": ["a b", "c&d"], "status": ["sold", "available"]}),
            "/pets?limit=5&tags=a%20b&tags=c%26d&status=sold,available",
        ),
        ("show_pet", json!({"petId": "a/b é"}), "/pets/a%2Fb%20%C3%A9"),
    ] {
        sent(&kit, Method::GET, tool, arguments, &format!("{base}{url}")).await;
    }
    let accept = kit.http().requests()[0].headers()["accept"].clone();
    assert_eq!(accept, "application/json, */*;q=0.8");
}

#[tokio::test]
async fn bodies_are_written_as_the_document_says() {
    let kit = petstore().await;
    let base = "https://eu.pets.example/v1";
    let pet = json!({"name": "Rex", "weight": 4.5});
    let arguments = json!({"body": pet, "Idempotency-Key": "k-1"});
    let body = sent(&kit, Method::POST, "create_pet", arguments, &format!("{base}/pets")).await;
    assert_eq!(body, pet.to_string());
    let text = json!({"petId": "7", "body": "grüße & co"});
    let url = format!("{base}/pets/7/notes");
    assert_eq!(sent(&kit, Method::POST, "add_note", text, &url).await, "grüße & co");
    let form = json!({"body": {"user": "a b", "scopes": ["x", "y"], "options": {"a": 1}}});
    assert_eq!(
        sent(&kit, Method::POST, "login", form, &format!("{base}/login")).await,
        "user=a%20b&scopes=x&scopes=y&options%5Ba%5D=1"
    );
    let requests = kit.http().requests();
    let types: Vec<&str> =
        requests.iter().map(|one| one.headers()["content-type"].to_str().unwrap()).collect();
    assert_eq!(
        types,
        ["application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"]
    );
    assert_eq!(requests[0].headers()["idempotency-key"], "k-1");
    sent(&kit, Method::DELETE, "delete_pet", json!({"petId": "7"}), &format!("{base}/pets/7"))
        .await;
    assert!(!kit.http().requests()[3].headers().contains_key("content-type"));
}

#[tokio::test]
async fn every_style_and_place_is_written() {
    let kit = nasty().await;
    let arguments = json!({
        "id": 7, "shape": {"R": 1, "G": 2}, "id_query": "q", "id_header": ["a", "b"], "id_cookie": "c;d",
        "filter": {"from": "2026-01-01", "to": "x&y"}, "space": [1, 2], "pipe": ["a", "b"], "csv": [1, "b"],
        "raw": "a/b?c&d", "json": {"k": [1]}, "page_size": 9, "gr__e": 5, "body": "plain", "X-Trace": "t-1",
    });
    let query = "id=q&filter%5Bfrom%5D=2026-01-01&filter%5Bto%5D=x%26y&space=1%202&pipe=a%7Cb&csv=1,b\
                 &raw=a/b?c%26d&json=%7B%22k%22%3A%5B1%5D%7D&page%5Bsize%5D=9&gr%C3%B6%C3%9Fe=5&body=plain";
    let url = format!("https://nasty.example/api/trees/7/R=1,G=2?{query}");
    sent(&kit, Method::GET, "trees_get", arguments, &url).await;
    let requests = kit.http().requests();
    let headers = requests[0].headers();
    assert_eq!(
        (&headers["id"], &headers["x-trace"]),
        (&"a,b".parse().unwrap(), &"t-1".parse().unwrap())
    );
    assert_eq!(headers["cookie"], "id=c%3Bd");
}

#[tokio::test]
async fn a_path_of_another_alphabet_is_reached() {
    let kit = nasty().await;
    let url = "https://nasty.example/api/%C3%BCn%C3%AFcode/%C3%A4";
    sent(&kit, Method::GET, "get_n_code_n_me", json!({"n_me": "ä"}), url).await;
}

#[tokio::test]
async fn media_types_of_json_stay_what_they_are() {
    let kit = nasty().await;
    let create = kit.tools().into_iter();
    let create = create.map(|tool| (tool.name, tool.description)).collect::<Vec<_>>();
    for (place, method, media_type) in [
        ("Creates a tree", Method::POST, "application/vnd.tree+json"),
        ("PATCH /trees", Method::PATCH, "application/merge-patch+json"),
    ] {
        let (name, _) = create.iter().find(|(_, about)| about.contains(place)).unwrap();
        let arguments = json!({"body": {"name": "oak"}});
        let body = sent(&kit, method, name, arguments, "https://nasty.example/api/trees").await;
        assert_eq!(body, "{\"name\":\"oak\"}");
        assert_eq!(kit.http().requests().last().unwrap().headers()["content-type"], media_type);
    }
}

#[tokio::test]
async fn the_operator_says_where_the_api_is_and_what_every_request_has() {
    let config = json!({
        "document": PETSTORE, "base_url": "http://localhost:9/root/?x#y", "headers": {"X-Version": "2"}
    });
    let kit = Kit::<OpenApi>::new(config).await;
    sent(&kit, Method::GET, "list_pets", json!({}), "http://localhost:9/root/pets").await;
    assert_eq!(kit.http().requests()[0].headers()["x-version"], "2");
}

#[tokio::test]
async fn what_the_schema_refuses_is_not_sent() {
    let kit = petstore().await;
    for (tool, arguments, field) in [
        ("list_pets", json!({"limit": 0}), "/limit"),
        ("list_pets", json!({"status": ["lost"]}), "/status/0"),
        ("create_pet", json!({"body": {"weight": 1}}), "/body/name"),
        ("show_pet", json!({}), "/petId"),
        ("show_pet", json!({"petId": "1", "other": 1}), "/other"),
    ] {
        kit.call(tool, arguments).await.assert_error().code("invalid_arguments").names_field(field);
    }
    let line = json!({"body": {"name": "x"}, "Idempotency-Key": "a\r\nx-evil: 1"});
    kit.call("create_pet", line).await.assert_error().names_field("/Idempotency-Key");
    assert!(kit.http().requests().is_empty());
}
