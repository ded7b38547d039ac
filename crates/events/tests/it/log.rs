//! What publishing promises: one position each, ids that mean one event, and pages that go back.

use std::time::Duration;

use mindflight_api::event::Place;
use mindflight_events::{Filter, Item, Settings, Start};
use mindflight_store::signal::Urgency;
use mindflight_testapp::TestDb;
use serde_json::json;
use tokio::runtime::Handle;

use crate::peers::{PATIENCE, Peer};
use crate::rig::{
    delivery, event, item, named, number, past, peer, polled, positions, publish, reader,
};

#[tokio::test]
async fn positions_are_told_to_whoever_waits_and_are_those_that_readers_see() {
    let db = TestDb::new().await;
    let (one, two) = (peer(&db), peer(&db));
    let mut seen = reader(&two, Start::Oldest);
    let events = (0..3).map(|number| event("test.number", json!(number))).collect();
    let published = one.log.publish(events, Some(PATIENCE)).await.unwrap();
    let told: Vec<_> = published.iter().map(|one| one.position).collect();
    assert_eq!(told, [Some(1), Some(2), Some(3)]);
    for published in &published {
        let delivery = delivery(&mut seen).await;
        assert_eq!(Some(delivery.position()), published.position);
        assert_eq!(delivery.envelope().unwrap().id, published.id);
    }
    assert_eq!(one.log.at(2).await.unwrap().unwrap().id, published[1].id);
    assert_eq!(one.log.of_id(&published[2].id).await.unwrap().unwrap().sequence, 3);
    assert!(one.log.at(0).await.unwrap().is_none());
    assert!(one.log.at(4).await.unwrap().is_none());
    assert_eq!(one.log.head().await.unwrap().position, 3);
}

#[tokio::test]
async fn an_id_is_one_event_whoever_gives_it_again() {
    let db = TestDb::new().await;
    let (one, two) = (peer(&db), peer(&db));
    let events = || vec![named("a", json!({"x": 1, "y": [true]}))];
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..8 {
        let log = if number % 2 == 0 { one.log.clone() } else { two.log.clone() };
        let events = events();
        calls.spawn(async move { log.publish(events, Some(PATIENCE)).await.unwrap() });
    }
    for published in calls.join_all().await {
        assert_eq!((published[0].id.as_str(), published[0].position), ("a", Some(1)));
    }
    // The order of members does not matter, in another call and in the same.
    let turned = || named("a", json!({"y": [true], "x": 1}));
    let both =
        vec![turned(), named("b", json!({"p": 1, "q": 2})), named("b", json!({"q": 2, "p": 1}))];
    let published = one.log.publish(both, Some(PATIENCE)).await.unwrap();
    let told: Vec<_> = published.iter().map(|one| one.position).collect();
    assert_eq!(told, [Some(1), Some(2), Some(2)]);
    // Another event is refused, and nothing of its call happens.
    for wrong in [
        vec![event("test.other", json!(1)), named("a", json!(2))],
        vec![named("c", json!(1)), named("c", json!(2))],
    ] {
        let error = two.log.publish(wrong, None).await.unwrap_err();
        assert_eq!(error.status(), 409, "{error}");
    }
    assert_eq!(publish(&one, 0..1).await, 3);
}

/// Also where the publisher's transaction is one that others see the end of.
#[tokio::test]
async fn whoever_gives_an_id_that_is_being_taken_waits_for_the_outcome() {
    let db = TestDb::new().await;
    let one = peer(&db);
    for (end, position) in [("ROLLBACK", 1), ("COMMIT", 1)] {
        let mut tx = past(&db).await;
        let open = tx.transaction().await.unwrap();
        open.batch_execute("INSERT INTO mindflight.event_id (source, id, fingerprint, seq) VALUES ('test', 'held', '', 1)")
            .await
            .unwrap();
        let log = one.log.clone();
        let publishing = Handle::current()
            .spawn(async move { log.publish(vec![named("held", json!(1))], Some(PATIENCE)).await });
        let waits = past(&db).await;
        while number(&waits, "SELECT count(*) FROM pg_locks WHERE NOT granted").await == 0 {}
        open.batch_execute(end).await.unwrap();
        drop(open);
        match (end, publishing.await.unwrap()) {
            ("ROLLBACK", published) => {
                assert_eq!(published.unwrap()[0].position, Some(position));
                waits.batch_execute("DELETE FROM mindflight.event_id").await.unwrap();
            }
            (_, refused) => assert_eq!(refused.unwrap_err().status(), 409),
        }
    }
}

#[tokio::test]
async fn pages_go_back_to_the_oldest_event_and_filter() {
    let db = TestDb::new().await;
    let one = peer(&db);
    for round in 0..3 {
        publish(&one, round * 10..round * 10 + 10).await;
        one.log.publish(vec![event("test.other", json!(round))], Some(PATIENCE)).await.unwrap();
    }
    let (mut below, mut seen) = (None, Vec::new());
    loop {
        let (page, next) = one.log.newest(&Filter::all(), below, 7).await.unwrap();
        seen.extend(page.iter().map(|envelope| envelope.sequence));
        match next {
            Some(next) => below = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (1..=33).rev().collect::<Vec<u64>>());
    let others = Filter { patterns: vec!["*.other".parse().unwrap()], source: None };
    let (page, next) = one.log.newest(&others, None, 2).await.unwrap();
    let sequences: Vec<u64> = page.iter().map(|envelope| envelope.sequence).collect();
    assert_eq!((sequences, next), (vec![33, 22], Some(22)));
    let (page, next) = one.log.newest(&others, next, 2).await.unwrap();
    assert_eq!((page.len(), page[0].sequence, next), (1, 11, None));
    let nobody = Filter { source: Some("nobody".to_owned()), ..Filter::all() };
    assert!(one.log.newest(&nobody, None, 2).await.unwrap().0.is_empty());
}

/// T13 and T15: an open transaction keeps nobody from publishing or being seen, and its event comes once, at its end.
#[tokio::test]
async fn an_open_transaction_holds_up_nobody_and_its_event_comes_once() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let mut pinned = past(&db).await;
    let open = pinned
        .build_transaction()
        .isolation_level(tokio_postgres::IsolationLevel::RepeatableRead)
        .start()
        .await
        .unwrap();
    open.batch_execute("INSERT INTO mindflight.event (id, type, source, data) VALUES ('late', 'test.late', 'test', '1')")
        .await
        .unwrap();
    let mut seen = reader(&one, Start::Oldest);
    for round in 1..=50 {
        assert_eq!(publish(&one, round..round + 1).await, round);
    }
    assert_eq!(positions(&mut seen, 50).await, (1..=50).collect::<Vec<u64>>());
    open.commit().await.unwrap();
    let late = delivery(&mut seen).await;
    assert_eq!((late.position(), late.r#type()), (51, "test.late"));
    assert_eq!(publish(&one, 0..1).await, 52);
    assert_eq!(delivery(&mut seen).await.position(), 52);
    assert_eq!(one.log.of_id("late").await.unwrap().unwrap().sequence, 51);
}

#[tokio::test]
async fn a_place_that_only_another_process_has_reached_is_waited_for() {
    let db = TestDb::new().await;
    // The slow one looks only when it is asked to.
    let settings = Settings { poll: Duration::from_secs(3600), ..polled() };
    let (fast, slow) = (peer(&db), Peer::start(db.store(), settings));
    publish(&slow, 0..1).await;
    let head = publish(&fast, 1..4).await;
    let place = Place { epoch: fast.log.head().await.unwrap().epoch, position: head };
    let mut seen = reader(&slow, Start::After(place.clone()));
    let mut beyond = reader(&slow, Start::After(Place { position: head + 5, ..place }));
    publish(&fast, 4..5).await;
    slow.log.signals().published(Urgency::Now);
    assert_eq!(delivery(&mut seen).await.position(), head + 1, "neither a reset nor a repeat");
    assert!(matches!(item(&mut beyond).await, Item::Reset(_)));
}
