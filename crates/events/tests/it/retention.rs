//! What is old goes, and whoever has to know of it does.

use std::time::Duration;

use mindflight_api::event::ResetReason;
use mindflight_events::{Filter, Item, Settings, Start};
use mindflight_store::events::{House, Kept, NewConsumer};
use mindflight_testapp::TestDb;

use crate::peers::Peer;
use crate::rig::{delivery, item, number, past, peer, polled, positions, publish, reader};

const DAY: Duration = Duration::from_secs(24 * 3600);
const NOTHING_STAYS: House = House { retention: Duration::ZERO, partition: Duration::ZERO };

async fn keep(db: &TestDb, house: &House) -> Kept {
    db.store().events().ticker().unwrap().keep_house(house).await.unwrap()
}

#[tokio::test]
async fn partitions_are_rolled_and_dropped_and_all_of_it_is_one_log() {
    let db = TestDb::new().await;
    let one = peer(&db);
    let client = past(&db).await;
    assert_eq!(keep(&db, &NOTHING_STAYS).await, Kept::default(), "nothing was published");
    publish(&one, 0..5).await;
    let stays = House { retention: DAY, partition: DAY };
    assert_eq!(keep(&db, &stays).await, Kept::default(), "it is not old");
    let rolls = House { retention: DAY, partition: Duration::ZERO };
    assert_eq!(keep(&db, &rolls).await, Kept { rolled: true, dropped: 0 });
    assert_eq!(publish(&one, 5..10).await, 10);
    let second = "SELECT count(*) FROM mindflight.event WHERE seq >> 32 = 1";
    assert_eq!(number(&client, second).await, 5);
    let mut all = reader(&one, Start::Oldest);
    assert_eq!(positions(&mut all, 10).await, (1..=10).collect::<Vec<u64>>());
    assert_eq!(keep(&db, &NOTHING_STAYS).await, Kept { rolled: true, dropped: 2 });
    assert_eq!(number(&client, "SELECT count(*) FROM mindflight.event").await, 0);
    assert_eq!(
        number(&client, "SELECT count(*) FROM mindflight.tick").await,
        1,
        "the newest stays"
    );
    assert_eq!(publish(&one, 10..11).await, 11);
    assert_eq!(delivery(&mut all).await.position(), 11);
    let (page, next) = one.log.newest(&Filter::all(), None, 10).await.unwrap();
    assert_eq!((page.len(), next), (1, None));
}

/// Whoever did so first may have come only half of the way.
#[tokio::test]
async fn a_partition_that_was_made_before_is_taken() {
    let db = TestDb::new().await;
    let one = peer(&db);
    publish(&one, 0..1).await;
    let rolls = House { retention: DAY, partition: Duration::ZERO };
    assert!(keep(&db, &rolls).await.rolled);
    past(&db).await.batch_execute("SELECT setval('mindflight.event_seq', 3)").await.unwrap();
    assert!(keep(&db, &rolls).await.rolled);
    assert_eq!(publish(&one, 1..3).await, 3);
    let second = "SELECT count(*) FROM mindflight.event WHERE seq >> 32 = 1";
    assert_eq!(number(&past(&db).await, second).await, 2);
}

#[tokio::test]
async fn readers_before_the_oldest_event_are_told_and_go_on() {
    let db = TestDb::new().await;
    // What a reader has in hand it is given, however old: it must not have all.
    let settings = Settings { ring: 4, page: 2, ..polled() };
    let one = Peer::start(db.store(), settings);
    let mut middle = reader(&one, Start::Oldest);
    publish(&one, 0..10).await;
    assert_eq!(positions(&mut middle, 2).await, [1, 2]);
    let mut front = reader(&one, Start::Now);
    assert!(front.try_next().is_none());
    keep(&db, &NOTHING_STAYS).await;
    publish(&one, 10..12).await;
    assert_eq!(positions(&mut front, 2).await, [11, 12]);
    // It may have some in hand.
    let (mut last, mut reset) = (2, None);
    while last < 12 {
        match item(&mut middle).await {
            Item::Reset(found) => {
                assert!(reset.is_none(), "once");
                last = found.oldest.position;
                reset = Some(found);
            }
            Item::Event(delivery) => {
                assert_eq!(delivery.position(), last + 1);
                last += 1;
            }
        }
    }
    let reset = reset.expect("it has missed events");
    assert_eq!((reset.reason, reset.oldest.position), (ResetReason::Retention, 10));
    let mut late = reader(&one, Start::Position(4));
    let Item::Reset(reset) = item(&mut late).await else { panic!("an event") };
    assert_eq!((reset.reason, reset.oldest.position), (ResetReason::Retention, 10));
    assert_eq!(positions(&mut late, 2).await, [11, 12]);
    assert_eq!(positions(&mut reader(&one, Start::Oldest), 2).await, [11, 12]);
}

#[tokio::test]
async fn a_consumer_holds_back_what_it_has_to_read_unless_nobody_has_seen_it_for_long() {
    let db = TestDb::new().await;
    let (one, events) = (peer(&db), db.store().events());
    let consumer =
        NewConsumer { name: "mail.on.x".to_owned(), pattern: "**".to_owned(), source: None };
    events.consumers(std::slice::from_ref(&consumer)).await.unwrap();
    publish(&one, 0..3).await;
    let client = past(&db).await;
    client
        .batch_execute("UPDATE mindflight.event SET time = time - interval '2 days'")
        .await
        .unwrap();
    let house = House { retention: DAY, partition: Duration::ZERO };
    assert_eq!(keep(&db, &house).await, Kept { rolled: true, dropped: 0 });
    client
        .batch_execute("UPDATE mindflight.consumer SET seen_at = seen_at - interval '2 days'")
        .await
        .unwrap();
    assert_eq!(keep(&db, &house).await.dropped, 1);
}

/// Nobody who publishes waits for it for long, and it is done once it can be.
#[tokio::test]
async fn a_partition_that_somebody_uses_or_that_has_events_without_position_stays() {
    let db = TestDb::new().await;
    let one = peer(&db);
    publish(&one, 0..3).await;
    let mut other = past(&db).await;
    let open = other.transaction().await.unwrap();
    open.batch_execute(
        "INSERT INTO mindflight.event (type, source, data) VALUES ('test.late', 'test', '1')",
    )
    .await
    .unwrap();
    let kept = db.store().events().ticker().unwrap().keep_house(&NOTHING_STAYS).await;
    assert!(kept.is_err(), "{kept:?}");
    assert_eq!(publish(&one, 3..4).await, 4);
    one.stop().await;
    open.commit().await.unwrap();
    // The late one has no position: nobody gives any.
    let kept = keep(&db, &NOTHING_STAYS).await;
    assert_eq!(kept.dropped, 0);
    let two = peer(&db);
    assert_eq!(publish(&two, 4..5).await, 6);
    assert_eq!(keep(&db, &NOTHING_STAYS).await.dropped, 3);
    assert_eq!(publish(&two, 5..6).await, 7);
}
