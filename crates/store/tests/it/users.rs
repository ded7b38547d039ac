//! Users.

use mindflight_api::{Role, UserId};
use mindflight_store::Error;
use mindflight_testapp::TestDb;

use crate::access::{at, audited, new_key, new_user, record, user};

#[tokio::test]
async fn a_user_is_found_by_id_and_by_name_whatever_the_case() {
    let db = TestDb::new().await;
    let made = user(db.store(), "Ädam").await;
    assert_eq!(made.role, Role::Operator);
    assert_eq!(made.created_at, at(0));

    let users = db.store().users();
    let found = users.get(made.id).await.unwrap().unwrap();
    assert_eq!(found.username, "Ädam");
    let credentials = users.by_name("äDAM").await.unwrap().unwrap();
    assert_eq!(credentials.user.id, made.id);
    assert_eq!(credentials.password_hash, "$argon2id$");
    assert!(users.get(UserId::new()).await.unwrap().is_none());
    for unknown in ["eve", "", "a\0"] {
        assert!(users.by_name(unknown).await.unwrap().is_none(), "{unknown:?}");
    }
}

#[tokio::test]
async fn a_name_is_taken_whatever_the_case_and_the_refusal_names_it() {
    let db = TestDb::new().await;
    user(db.store(), "ann").await;
    let users = db.store().users();
    let error = users.create(new_user("ANN"), &record("user.again")).await.unwrap_err();
    assert!(
        matches!(&error, Error::Conflict { constraint: Some(name), .. } if name == "users_username_key"),
        "{error:?}"
    );
    let error = mindflight_core::Error::from(error);
    assert_eq!((error.name(), error.status()), ("conflict", 409));
    assert!(error.detail().contains("\"ANN\""), "{}", error.detail());
    assert_eq!(audited(db.store(), "user.again").await, 0, "nothing was done");
}

#[tokio::test]
async fn a_list_goes_on_after_its_last_user() {
    let db = TestDb::new().await;
    for name in ["c", "a", "b"] {
        user(db.store(), name).await;
    }
    let users = db.store().users();
    let first = users.list(None, 2).await.unwrap();
    let second = users.list(Some(first[1].id), 2).await.unwrap();
    let names: Vec<_> = first.iter().chain(&second).map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["c", "a", "b"]);
}

#[tokio::test]
async fn a_password_is_replaced_and_the_change_is_audited() {
    let db = TestDb::new().await;
    let users = db.store().users();
    let ann = user(db.store(), "ann").await;
    assert!(users.set_password(ann.id, "new", &record("user.password")).await.unwrap());
    assert_eq!(users.by_name("ann").await.unwrap().unwrap().password_hash, "new");
    assert!(!users.set_password(UserId::new(), "new", &record("user.password")).await.unwrap());
    assert_eq!(audited(db.store(), "user.password").await, 1);
}

#[tokio::test]
async fn the_keys_of_a_user_go_with_the_user() {
    let db = TestDb::new().await;
    let (users, keys) = (db.store().users(), db.store().keys());
    let ann = user(db.store(), "ann").await;
    let key = keys.create(new_key("ci", Some(ann.id)), &record("key.create")).await.unwrap();
    assert!(users.delete(ann.id, &record("user.delete")).await.unwrap());
    assert!(users.get(ann.id).await.unwrap().is_none());
    assert!(keys.find(key.id).await.unwrap().is_none());
    assert!(!users.delete(ann.id, &record("user.delete")).await.unwrap());
    assert_eq!(audited(db.store(), "user.delete").await, 1);
}

#[tokio::test]
async fn every_change_of_users_and_keys_grows_the_version_and_a_use_does_not() {
    let db = TestDb::new().await;
    let store = db.store();
    let mut last = store.versions().await.unwrap();
    let ann = user(store, "ann").await;
    let mut grew = async |what: &str, expected: bool| {
        let now = store.versions().await.unwrap();
        assert_eq!(now.auth > last.auth, expected, "{what}");
        assert_eq!(now.providers, last.providers, "{what}");
        last = now;
    };
    grew("a new user", true).await;
    store.users().set_password(ann.id, "x", &record("a")).await.unwrap();
    grew("a new password", true).await;
    let key = store.keys().create(new_key("ci", Some(ann.id)), &record("a")).await.unwrap();
    grew("a new key", true).await;
    store.keys().touch(&[(key.id, at(1))]).await.unwrap();
    grew("a use", false).await;
    store.keys().revoke(key.id, None, &record("a")).await.unwrap();
    grew("a revocation", true).await;
    store.users().delete(ann.id, &record("a")).await.unwrap();
    grew("a deletion", true).await;
}
