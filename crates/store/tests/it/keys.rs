//! API keys.

use mindflight_api::{KeyId, Scope, UserId};
use mindflight_store::Error;
use mindflight_testapp::TestDb;

use crate::access::{at, audited, new_key, record, user};

#[tokio::test]
async fn a_key_is_found_with_all_that_it_was_made_of() {
    let db = TestDb::new().await;
    let keys = db.store().keys();
    let new = new_key("ci", None);
    let made = keys.create(new.clone(), &record("key.create")).await.unwrap();
    let found = keys.find(new.id).await.unwrap().unwrap();
    assert_eq!(found.hash, new.hash);
    let info = found.info;
    assert_eq!(info.scopes, [Scope::ToolsCall, Scope::ToolsCallOne("echo_say".to_owned())]);
    assert_eq!((info.id, info.name.as_str(), info.prefix.as_str()), (made.id, "ci", "mf_abc"));
    assert_eq!((info.rate, info.user_id), (Some(60), None));
    assert_eq!((info.created_at, info.expires_at), (at(0), Some(at(3600))));
    assert_eq!((info.revoked_at, info.last_used_at), (None, None));
    assert!(keys.find(KeyId::new()).await.unwrap().is_none());
    assert_eq!(audited(db.store(), "key.create").await, 1);
}

#[tokio::test]
async fn a_key_of_a_user_who_is_gone_is_a_conflict() {
    let db = TestDb::new().await;
    let new = new_key("ci", Some(UserId::new()));
    let error = db.store().keys().create(new, &record("key.create")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { detail, .. } if detail.contains("user")),
        "{error:?}"
    );
    assert_eq!(audited(db.store(), "key.create").await, 0);
}

#[tokio::test]
async fn a_text_with_nul_is_refused_by_name() {
    let db = TestDb::new().await;
    let new = new_key("c\0i", None);
    let error = db.store().keys().create(new, &record("key.create")).await.unwrap_err();
    let error = mindflight_core::Error::from(error);
    assert_eq!((error.name(), error.status()), ("invalid_request", 400));
    assert!(error.detail().contains("`name`"), "{}", error.detail());
}

#[tokio::test]
async fn keys_are_listed_for_all_or_for_one_owner() {
    let db = TestDb::new().await;
    let keys = db.store().keys();
    let ann = user(db.store(), "ann").await;
    for (name, owner) in [("1", None), ("2", Some(ann.id)), ("3", None), ("4", Some(ann.id))] {
        keys.create(new_key(name, owner), &record("key.create")).await.unwrap();
    }
    let names = async |owner, after, limit| -> Vec<String> {
        let found = keys.list(owner, after, limit).await.unwrap();
        found.into_iter().map(|key| key.name).collect()
    };
    assert_eq!(names(None, None, 10).await, ["1", "2", "3", "4"]);
    assert_eq!(names(Some(ann.id), None, 10).await, ["2", "4"]);
    let second = keys.list(None, None, 2).await.unwrap().pop().unwrap();
    assert_eq!(names(None, Some(second.id), 1).await, ["3"]);
}

#[tokio::test]
async fn only_the_owner_or_an_administrator_revokes_and_only_once() {
    let db = TestDb::new().await;
    let keys = db.store().keys();
    let ann = user(db.store(), "ann").await;
    let eve = user(db.store(), "eve").await;
    let key = keys.create(new_key("ci", Some(ann.id)), &record("key.create")).await.unwrap();
    let record = record("key.revoke");
    assert!(!keys.revoke(key.id, Some(eve.id), &record).await.unwrap());
    assert!(keys.revoke(key.id, Some(ann.id), &record).await.unwrap());
    assert!(!keys.revoke(key.id, None, &record).await.unwrap());
    assert_eq!(keys.find(key.id).await.unwrap().unwrap().info.revoked_at, Some(at(0)));
    assert_eq!(audited(db.store(), "key.revoke").await, 1);
}

#[tokio::test]
async fn the_latest_use_of_a_key_stays() {
    let db = TestDb::new().await;
    let keys = db.store().keys();
    let one = keys.create(new_key("1", None), &record("key.create")).await.unwrap().id;
    let two = keys.create(new_key("2", None), &record("key.create")).await.unwrap().id;
    let uses = [(one, at(5)), (two, at(1)), (one, at(9)), (KeyId::new(), at(1))];
    keys.touch(&uses).await.unwrap();
    keys.touch(&[(one, at(3))]).await.unwrap();
    keys.touch(&[]).await.unwrap();
    let used = async |id| keys.find(id).await.unwrap().unwrap().info.last_used_at;
    assert_eq!((used(one).await, used(two).await), (Some(at(9)), Some(at(1))));
}
