//! What several modules need: records, users and keys to work with.

use mindflight_api::access::{CallerKind, User};
use mindflight_api::{KeyId, RequestId, Role, Scope, UserId};
use mindflight_core::Caller;
use mindflight_core::caller::{Facts, Origin};
use mindflight_core::ports::Record;
use mindflight_store::keys::NewKey;
use mindflight_store::users::NewUser;
use mindflight_store::{Store, command_line};
use serde_json::json;

/// A time that the database keeps exactly.
pub(crate) fn at(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_767_225_600 + seconds, 0).unwrap()
}

/// The record of something that the command line does.
pub(crate) fn record(action: &'static str) -> Record {
    command_line(action, "target", at(0))
}

/// The record of a caller with user, key and address.
pub(crate) fn record_of(action: &'static str, user: UserId, key: KeyId) -> Record {
    Record {
        caller: Caller::from(Facts {
            kind: CallerKind::Key,
            name: "ci".to_owned(),
            user: Some(user),
            key: Some(key),
            scopes: vec![Scope::Admin],
            rate: None,
        }),
        origin: Origin { request: RequestId::new(), ip: Some("2001:db8::1".parse().unwrap()) },
        detail: json!({"n": 1}),
        ..record(action)
    }
}

pub(crate) fn new_user(username: &str) -> NewUser {
    NewUser {
        id: UserId::new(),
        username: username.to_owned(),
        password_hash: "$argon2id$".to_owned(),
        role: Role::Operator,
    }
}

pub(crate) fn new_key(name: &str, user_id: Option<UserId>) -> NewKey {
    NewKey {
        id: KeyId::new(),
        name: name.to_owned(),
        prefix: "mf_abc".to_owned(),
        hash: [7; 32],
        scopes: vec![Scope::ToolsCall, Scope::ToolsCallOne("echo_say".to_owned())],
        rate: Some(60),
        user_id,
        expires_at: Some(at(3600)),
    }
}

pub(crate) async fn user(store: &Store, username: &str) -> User {
    let record = record("user.create");
    store.users().create(new_user(username), &record).await.unwrap()
}

/// How many audit rows there are with this action.
pub(crate) async fn audited(store: &Store, action: &str) -> usize {
    let filter =
        mindflight_store::audit::Filter { action: Some(action.to_owned()), ..Default::default() };
    store.audit().list(&filter).await.unwrap().len()
}
