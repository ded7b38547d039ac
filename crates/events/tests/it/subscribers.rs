//! Readers at their own pace: slow ones, late ones, and those that cannot go on where they were.

use mindflight_api::event::{Place, ResetReason};
use mindflight_events::{Filter, Item, Settings, Start};
use mindflight_testapp::TestDb;
use serde_json::json;

use crate::peers::{PATIENCE, Peer};
use crate::rig::{delivery, event, item, past, peer, polled, positions, publish, reader};

#[tokio::test]
async fn one_that_is_slower_than_the_memory_reads_the_table_and_gets_back() {
    let db = TestDb::new().await;
    let settings = Settings { ring: 8, page: 5, ..polled() };
    let one = Peer::start(db.store(), settings);
    let (mut slow, mut quick) = (reader(&one, Start::Oldest), reader(&one, Start::Oldest));
    for round in 0..20 {
        publish(&one, round * 10..round * 10 + 10).await;
        let expected: Vec<u64> = (round * 10 + 1..=round * 10 + 10).collect();
        assert_eq!(positions(&mut quick, 10).await, expected);
        if round == 3 {
            assert_eq!(positions(&mut slow, 1).await, [1]);
        }
    }
    assert_eq!(positions(&mut slow, 199).await, (2..=200).collect::<Vec<u64>>());
    publish(&one, 200..203).await;
    assert_eq!(positions(&mut slow, 3).await, [201, 202, 203]);
    assert!(slow.is_at_head());
}

/// Also those that are stored small because they are all the same.
#[tokio::test]
async fn large_events_are_read_a_few_at_a_time_and_none_is_too_large() {
    let db = TestDb::new().await;
    let settings = Settings { ring_bytes: 1, page_bytes: 300_000, ..polled() };
    let one = Peer::start(db.store(), settings);
    let large = || event("test.large", json!("x".repeat(200_000)));
    for _ in 0..5 {
        one.log.publish(vec![large(), large()], Some(PATIENCE)).await.unwrap();
    }
    let events = db.store().events();
    assert_eq!(events.read(0, 100, 300_000).await.unwrap().len(), 2);
    assert_eq!(events.read(0, 100, 1).await.unwrap().len(), 1);
    let mut seen = reader(&one, Start::Oldest);
    assert_eq!(positions(&mut seen, 10).await, (1..=10).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_reader_begins_where_it_says() {
    let db = TestDb::new().await;
    let one = peer(&db);
    publish(&one, 0..5).await;
    let epoch = one.log.head().await.unwrap().epoch;
    let mut now = reader(&one, Start::Now);
    assert!(now.try_next().is_none());
    let mut after = reader(&one, Start::After(Place { epoch: epoch.clone(), position: 3 }));
    assert_eq!(positions(&mut after, 2).await, [4, 5]);
    let mut position = reader(&one, Start::Position(4));
    assert_eq!(delivery(&mut position).await.position(), 5);
    publish(&one, 5..6).await;
    assert_eq!(delivery(&mut now).await.position(), 6);
    assert_eq!(now.place(), Place { epoch: epoch.clone(), position: 6 });
    for wrong in [Place { epoch: "other".to_owned(), position: 2 }, Place { epoch, position: 99 }] {
        let mut lost = reader(&one, Start::After(wrong));
        let Item::Reset(reset) = item(&mut lost).await else { panic!("an event") };
        assert_eq!((reset.reason, reset.head.position), (ResetReason::Epoch, 6));
        assert_eq!(lost.place().position, 6, "it goes on with what comes next");
    }
}

#[tokio::test]
async fn a_reader_gets_what_it_wants_in_order() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let filter = Filter {
        patterns: vec!["mail.*".parse().unwrap(), "test.**".parse().unwrap()],
        source: Some("test".to_owned()),
    };
    let mut seen = one.log.subscribe(filter, Start::Oldest);
    let types = ["mail.in", "mail.in.twice", "other", "test", "test.a.b", "mail.out"];
    let events = types.iter().map(|name| event(name, json!(1))).collect();
    one.log.publish(events, Some(PATIENCE)).await.unwrap();
    let mut found = Vec::new();
    while found.len() < 4 {
        let delivery = delivery(&mut seen).await;
        found.push((delivery.position(), delivery.r#type().to_owned()));
    }
    let expected = [(1, "mail.in"), (4, "test"), (5, "test.a.b"), (6, "mail.out")];
    assert_eq!(found, expected.map(|(position, name)| (position, name.to_owned())));
}

#[tokio::test]
async fn the_text_of_an_event_is_its_envelope_on_one_line() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let data = json!({"z": "two\nlines", "a": [1.5, null]});
    one.log.publish(vec![event("test.text", data.clone())], Some(PATIENCE)).await.unwrap();
    let delivery = delivery(&mut reader(&one, Start::Oldest)).await;
    assert!(!delivery.text().contains('\n'));
    let read: mindflight_api::event::Envelope = serde_json::from_str(delivery.text()).unwrap();
    assert_eq!((Some(&read), &read.data), (delivery.envelope().as_ref(), &data));
    assert_eq!(read.source, delivery.source());
}

/// T21: a history that went back is another epoch, for whoever reads and for whoever comes later.
#[tokio::test]
async fn a_log_that_ends_before_it_did_begins_another_epoch() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let mut seen = reader(&one, Start::Oldest);
    publish(&one, 0..5).await;
    assert_eq!(positions(&mut seen, 5).await, [1, 2, 3, 4, 5]);
    let before = one.log.head().await.unwrap();
    past(&db)
        .await
        .batch_execute("DELETE FROM mindflight.tick WHERE base > 0; DELETE FROM mindflight.tick WHERE base >= 0 AND n > 5; UPDATE mindflight.tick SET n = 3, seqs = seqs[1:3] WHERE base = 0")
        .await
        .unwrap();
    let Item::Reset(reset) = item(&mut seen).await else { panic!("an event") };
    assert_eq!(reset.reason, ResetReason::Epoch);
    assert_eq!(reset.head.position, 3);
    assert_ne!(reset.head.epoch, before.epoch);
    assert_eq!(publish(&one, 5..6).await, 4);
    assert_eq!(delivery(&mut seen).await.position(), 4);
}
