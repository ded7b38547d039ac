//! What lies in `examples/` works as it stands.

use crate::rig::command;

#[tokio::test]
async fn the_example_configuration_is_good() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/mindflight.yaml");
    let check = command(&["config", "check", "--config", file])
        .env("DATABASE_URL", "postgres://user:password@127.0.0.1/mindflight")
        .env("SLOP_JWT_SECRET", "only-for-this-test-0123456789abcdefghij");
    assert_eq!(check.stdout().await.unwrap(), "the configuration is good");
}
