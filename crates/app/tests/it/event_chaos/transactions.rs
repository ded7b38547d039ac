//! Publishers whose transactions take long, or do not happen.

use serde_json::json;

use super::{Crowd, in_one_order};

/// Somebody who publishes with SQL.
macro_rules! insert {
    ($id:literal) => {
        concat!(
            "INSERT INTO mindflight.event (id, type, source, data) VALUES ('",
            $id,
            "', 'chaos.sql', 'sql', '{}')"
        )
    };
}

/// T13, T7. What is committed meanwhile is seen at once, and what was open comes when it is committed: after them, with a
/// position that nobody has seen.
#[tokio::test]
async fn a_transaction_that_is_open_for_long_holds_nobody_up_and_loses_nothing() {
    let crowd = Crowd::new().await;
    let readers = crowd.readers(1).await;
    let mut open = crowd.admin().await;
    open.run("BEGIN").await.unwrap();
    open.run(insert!("pinned-before")).await.unwrap();
    let mut published = crowd.publish_each(0, 20).await;
    open.run(insert!("pinned-between")).await.unwrap();
    published.extend(crowd.publish_each(1, 20).await);
    let before = crowd.mark().await;
    for reader in &readers {
        reader.until(before).await;
        assert!(reader.seen().iter().all(|one| !one.id().starts_with("pinned")));
    }
    open.run("COMMIT").await.unwrap();
    // Nobody announced them: they are seen by polling.
    for reader in &readers {
        reader.until(before + 2).await;
    }
    crowd.all_see(&readers, &published).await;
    for reader in &readers {
        let seen = reader.seen();
        let late = seen.iter().filter(|one| one.id().starts_with("pinned"));
        let late: Vec<_> = late.map(|one| (one.id(), one.position > before)).collect();
        assert_eq!(late, [("pinned-before", true), ("pinned-between", true)]);
    }
}

#[tokio::test]
async fn what_was_rolled_back_or_refused_is_seen_by_nobody_and_leaves_no_hole() {
    let crowd = Crowd::new().await;
    let readers = crowd.readers(1).await;
    let mut sql = crowd.admin().await;
    let mut published = Vec::new();
    for round in 0..5 {
        sql.run("BEGIN").await.unwrap();
        sql.run(insert!("undone")).await.unwrap();
        sql.run("ROLLBACK").await.unwrap();
        // All or none: the last one is nobody's but the server's.
        let items = json!([
            {"type": "chaos.bad", "id": "undone-1"},
            {"type": "chaos.bad", "id": "undone-2"},
            {"type": "mindflight.job.failed", "id": "undone-3"},
        ]);
        for server in &crowd.servers {
            let refused = server.post("/api/events", &items).await;
            assert!((400..500).contains(&refused.status), "{}", refused.text);
        }
        published.extend(crowd.publish_each(round, 5).await);
    }
    crowd.all_see(&readers, &published).await;
    let all: Vec<_> = readers.iter().map(super::Reader::seen).collect();
    in_one_order(&all);
    assert!(all.iter().flatten().all(|one| !one.id().starts_with("undone")));
    // An id that was refused is not taken.
    let again = json!({"type": "chaos.good", "id": "undone-1"});
    assert_eq!(crowd.servers[0].post("/api/events", &again).await.status, 202);
}
