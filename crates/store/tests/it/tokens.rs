//! Tokens that were ended early.

use mindflight_core::ports::Record;
use mindflight_testapp::TestDb;

use crate::access::{at, audited, record};

#[tokio::test]
async fn an_ended_token_is_ended_for_everybody_and_the_rest_is_not() {
    let db = TestDb::new().await;
    let (tokens, before) = (db.store().tokens(), db.store().versions().await.unwrap());
    assert!(!tokens.is_revoked("one").await.unwrap());
    for _ in 0..2 {
        tokens.revoke("one", at(60), &record("logout")).await.unwrap();
    }
    assert!(tokens.is_revoked("one").await.unwrap());
    assert!(!tokens.is_revoked("other").await.unwrap());
    assert!(db.store().versions().await.unwrap().auth > before.auth);
    assert_eq!(audited(db.store(), "logout").await, 2);
}

#[tokio::test]
async fn what_is_past_its_end_is_swept_by_the_next_one() {
    let db = TestDb::new().await;
    let tokens = db.store().tokens();
    for (jti, end) in [("past", 10), ("good", 30)] {
        tokens.revoke(jti, at(end), &record("logout")).await.unwrap();
    }
    let later = Record { at: at(20), ..record("logout") };
    tokens.revoke("new", at(90), &later).await.unwrap();
    assert!(!tokens.is_revoked("past").await.unwrap());
    assert!(tokens.is_revoked("good").await.unwrap());
    assert!(tokens.is_revoked("new").await.unwrap());
}
