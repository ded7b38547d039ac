//! Who may do what: sign-in, keys, what every operation asks for, and the record of it.

mod audit;
mod documented;
mod keys;
mod sign_in;

use mindflight_testapp::{Answer, Instance, Launch, TestDb};
use serde_json::{Value, json};

use crate::rig::{BINARY, command, start};

/// The password of every user here.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A server that no request has credentials for of itself. The database comes first, to be dropped last.
async fn open(change: impl FnOnce(Launch) -> Launch) -> (TestDb, Instance) {
    let db = TestDb::new().await;
    let server = start(change(Launch::serve(BINARY, db.url()))).await;
    (db, server)
}

/// A user made on the command line; gives the id.
pub(crate) async fn user(db: &TestDb, name: &str, role: &str) -> String {
    let create = command(&["user", "create", "--username", name, "--role", role])
        .env("DATABASE_URL", db.url())
        .env("MINDFLIGHT_PASSWORD", PASSWORD);
    create.stdout().await.unwrap()
}

pub(crate) async fn login(server: &Instance, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    server.call("POST", "/api/login").json(&body).send().await
}

/// The token of a user whose password is right.
pub(crate) async fn token(server: &Instance, username: &str) -> String {
    let answer = login(server, username, PASSWORD).await.ok();
    answer["token"].as_str().unwrap().to_owned()
}

/// `GET /api/me` with a credential.
pub(crate) async fn me(server: &Instance, credential: &str) -> Answer {
    server.call("GET", "/api/me").key(credential).send().await
}

/// `POST /api/keys` with a credential.
pub(crate) async fn make_key(server: &Instance, maker: &str, body: &Value) -> Answer {
    server.call("POST", "/api/keys").key(maker).json(body).send().await
}

/// Text of a JSON member.
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}
