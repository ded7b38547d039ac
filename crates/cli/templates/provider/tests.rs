//! The provider as its callers meet it.

use mindflight_testkit::{Kit, contract_tests};
use serde_json::json;

use your_provider::YourProvider;

contract_tests!(YourProvider);

#[tokio::test]
async fn people_are_greeted_with_the_configured_word() {
    let kit = Kit::<YourProvider>::new(json!({"greeting": "Good morning"})).await;

    let reply = kit.call("greet", json!({"name": "Ada"})).await;

    reply.assert_ok(json!({"text": "Good morning, Ada!"}));
}

#[tokio::test]
async fn nobody_cannot_be_greeted() {
    let kit = Kit::<YourProvider>::new(json!({})).await;

    let reply = kit.call("greet", json!({"name": " "})).await;

    reply.assert_error().names_field("/name").has_fix();
}
