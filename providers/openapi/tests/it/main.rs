//! The provider as its callers meet it.

mod answers;
mod credentials;
mod documents;
mod injection;
mod page;
mod portable;
mod requests;
mod surface;

use mindflight_testkit::{Kit, contract_tests};
use provider_openapi::OpenApi;
use serde_json::{Value, json};

contract_tests!(
    OpenApi,
    config = json!({"document": PETSTORE, "auth": {"bearer_token": "a secret of the test"}})
);

const PETSTORE: &str = "tests/it/fixtures/petstore.yaml";
const NASTY: &str = "tests/it/fixtures/nasty.json";

async fn petstore() -> Kit<OpenApi> {
    Kit::new(json!({"document": PETSTORE})).await
}

async fn nasty() -> Kit<OpenApi> {
    Kit::new(json!({"document": NASTY})).await
}

async fn names(config: Value) -> Vec<String> {
    let tools = Kit::<OpenApi>::new(config).await.tools();
    tools.into_iter().map(|tool| tool.name).collect()
}

async fn refused(config: Value) -> String {
    match Kit::<OpenApi>::try_new(config).await {
        Ok(_) => panic!("it can be built"),
        Err(error) => format!("{} {}", error.name(), error.detail()),
    }
}
