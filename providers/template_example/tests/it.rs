//! The example provider as its callers meet it.

use mindflight_testkit::{Kit, contract_tests};
use provider_template_example::TemplateExample;
use serde_json::json;

contract_tests!(TemplateExample);

#[tokio::test]
async fn it_answers_with_its_parameters_under_both_names() {
    let kit = Kit::<TemplateExample>::new(json!({})).await;
    let expected = json!({"message": "Executed example tool with param1=hello and param2=123"});
    for name in ["template_example_example_tool", "template_example.example_tool"] {
        kit.call(name, json!({"param1": "hello", "param2": 123})).await.assert_ok(expected.clone());
    }
}

#[tokio::test]
async fn the_second_parameter_may_be_left_out() {
    let kit = Kit::<TemplateExample>::new(json!({})).await;
    kit.call("example_tool", json!({"param1": "hello"}))
        .await
        .assert_ok(json!({"message": "Executed example tool with param1=hello"}));
}

#[tokio::test]
async fn a_text_is_no_number() {
    let kit = Kit::<TemplateExample>::new(json!({})).await;
    kit.call("example_tool", json!({"param1": "hello", "param2": "123"}))
        .await
        .assert_error()
        .code("invalid_arguments")
        .detail_contains("`param2`");
}
