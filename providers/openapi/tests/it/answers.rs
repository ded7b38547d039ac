//! What comes back, and what it means.

use std::time::Duration;

use http::Method;
use mindflight_testkit::{Kit, Scripted};
use provider_openapi::OpenApi;
use serde_json::json;

use crate::{PETSTORE, petstore};

#[tokio::test]
async fn a_body_is_json_text_bytes_or_nothing() {
    let kit = petstore().await;
    let answers = [
        (Scripted::new(200, json!({"a": 1})), json!({"status": 200, "body": {"a": 1}})),
        (Scripted::new(200, "[1]"), json!({"status": 200, "body": [1]})),
        (Scripted::new(200, "{oops"), json!({"status": 200, "body": "{oops"})),
        (Scripted::new(200, "a text"), json!({"status": 200, "body": "a text"})),
        (Scripted::new(204, ()), json!({"status": 204, "body": null})),
        (
            Scripted::new(200, vec![0xff, 0xfe]),
            json!({"status": 200, "body": "//4=", "encoding": "base64"}),
        ),
        (
            Scripted::new(200, "7")
                .header("content-type", "application/problem+json; charset=utf-8"),
            json!({"status": 200, "body": 7}),
        ),
    ];
    for (answer, result) in answers {
        kit.http().on(Method::GET, "/v1/pets").reply_sequence([answer]);
        kit.call("list_pets", json!({})).await.assert_ok(result);
    }
}

#[tokio::test]
async fn headers_that_say_how_to_go_on_are_given() {
    let kit = petstore().await;
    let answer = Scripted::new(201, json!([]))
        .header("Link", "<https://eu.pets.example/v1/pets?page=2>; rel=\"next\"")
        .header("Location", "/v1/pets/9")
        .header("X-Total-Count", "40")
        .header("X-RateLimit-Remaining", "3")
        .header("Set-Cookie", "session=secret")
        .header("Server", "x");
    kit.http().on(Method::GET, "/v1/pets").reply_sequence([answer]);
    kit.call("list_pets", json!({})).await.assert_ok(json!({
        "status": 201,
        "headers": {
            "link": "<https://eu.pets.example/v1/pets?page=2>; rel=\"next\"",
            "location": "/v1/pets/9", "x-total-count": "40", "x-ratelimit-remaining": "3",
        },
        "body": [],
    }));
}

#[tokio::test]
async fn a_refusal_is_an_error_with_one_meaning() {
    let kit = petstore().await;
    for (status, code) in [
        (400, "invalid_arguments"),
        (401, "upstream_refused"),
        (403, "upstream_refused"),
        (404, "not_found"),
        (409, "conflict"),
        (422, "invalid_arguments"),
        (500, "upstream_error"),
    ] {
        kit.http().on(Method::GET, "/v1/pets/1").reply(status, json!({"message": "why not"}));
        let reply = kit.call("show_pet", json!({"petId": "1"})).await;
        reply.assert_error().code(code).detail_contains("why not");
    }
    let busy = Scripted::new(429, ()).header("retry-after", "7");
    kit.http().on(Method::GET, "/v1/pets/1").reply_sequence([busy]);
    let reply = kit.call("show_pet", json!({"petId": "1"})).await;
    reply.assert_error().code("upstream_error").retry_after(Duration::from_secs(7));
}

#[tokio::test]
async fn the_operators_limits_hold() {
    let config = json!({"document": PETSTORE, "timeout_seconds": 3, "max_response_bytes": 10});
    let kit = Kit::<OpenApi>::new(config).await;
    kit.http().on(Method::GET, "/v1/pets").reply(200, "x".repeat(11));
    kit.call("list_pets", json!({})).await.assert_error().code("upstream_error");
    kit.http().on(Method::GET, "/v1/pets").delay(Duration::from_secs(9)).reply(200, "");
    let before = kit.clock().now();
    kit.call("list_pets", json!({})).await.assert_error().code("upstream_error");
    assert_eq!((kit.clock().now() - before).num_seconds(), 3);
}

#[tokio::test]
async fn reading_follows_redirects_within_the_api_only() {
    let kit = Kit::<OpenApi>::new(json!({
        "document": PETSTORE, "auth": {"query": {"name": "key", "secret": "a-secret"}}
    }))
    .await;
    let to = |status, place: &str| Scripted::new(status, ()).header("location", place);
    kit.http().on(Method::GET, "/v1/pets").reply_sequence([to(301, "/v1/animals?a=1")]);
    let url = "https://eu.pets.example/v1/animals?a=1&key=a-secret";
    kit.http().on(Method::GET, url).reply(200, json!([]));
    assert_eq!(kit.call("list_pets", json!({})).await.output()["status"], 200);

    kit.http().on(Method::GET, "/v1/pets").reply_sequence([to(302, "https://evil.example/")]);
    let away = kit.call("list_pets", json!({})).await;
    assert_eq!(away.output()["headers"]["location"], "https://evil.example/");
    kit.http().on(Method::POST, "/v1/pets").reply_sequence([to(307, "/v1/animals")]);
    let written = kit.call("create_pet", json!({"body": {"name": "x"}})).await;
    assert_eq!(written.output()["status"], 307);
    kit.http().on(Method::GET, "/v1/pets").reply_sequence(vec![to(302, "/v1/pets"); 4]);
    assert_eq!(kit.call("list_pets", json!({})).await.output()["status"], 302);
    kit.http().assert_all_used();
}
