//! The echo provider as its callers meet it.

use mindflight_testkit::{Kit, contract_tests};
use provider_echo::Echo;
use serde_json::json;

contract_tests!(Echo);

#[tokio::test]
async fn it_says_the_text_back() {
    let kit = Kit::<Echo>::new(json!({})).await;
    for text in ["hello", "", "Grüße, \u{1F30D}\n\"quoted\""] {
        kit.call("say", json!({"text": text})).await.assert_ok(json!({"text": text}));
    }
}

#[tokio::test]
async fn a_wrong_name_is_answered_with_the_right_one() {
    let kit = Kit::<Echo>::new(json!({})).await;
    kit.call("say", json!({"test": "hello"}))
        .await
        .assert_error()
        .code("invalid_arguments")
        .status(422)
        .detail_contains("`text`")
        .has_fix();
}
