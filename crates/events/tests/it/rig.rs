//! Several logs on one database that find everything by polling, and connections past the store.

use std::time::Duration;

use mindflight_core::ports::NewEvent;
use mindflight_events::{Delivery, Filter, Item, Settings, Start, Subscriber};
use mindflight_testapp::TestDb;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio_postgres::{Client, NoTls};

use crate::peers::{PATIENCE, Peer};

/// Intervals that tests can wait for, without hints.
pub(crate) fn polled() -> Settings {
    let millis = Duration::from_millis;
    Settings {
        url: None,
        poll: millis(10),
        retry: millis(5),
        consumer_save: millis(20),
        housekeeping: Duration::from_secs(3600),
        ..Settings::default()
    }
}

/// A log that polls.
pub(crate) fn peer(db: &TestDb) -> Peer {
    Peer::start(db.store(), polled())
}

/// A connection past the store.
pub(crate) async fn past(db: &TestDb) -> Client {
    connect(db.url()).await
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    Handle::current().spawn(connection);
    client
}

/// One number that a query gives.
pub(crate) async fn number(client: &Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

pub(crate) fn event(r#type: &str, data: Value) -> NewEvent {
    NewEvent {
        r#type: r#type.to_owned(),
        source: "test".to_owned(),
        data,
        key: None,
        id: None,
        cause: None,
    }
}

/// An event with an id that its publisher gives.
pub(crate) fn named(id: &str, data: Value) -> NewEvent {
    NewEvent { id: Some(id.to_owned()), ..event("test.named", data) }
}

/// Numbered events, published in one call; gives the last position.
pub(crate) async fn publish(peer: &Peer, numbers: std::ops::Range<u64>) -> u64 {
    let events = numbers.map(|number| event("test.number", json!({"number": number}))).collect();
    let published = peer.log.publish(events, Some(PATIENCE)).await.unwrap();
    published.last().and_then(|last| last.position).expect("it was waited for")
}

pub(crate) fn reader(peer: &Peer, start: Start) -> Subscriber {
    peer.log.subscribe(Filter::all(), start)
}

/// What comes next, whatever it is.
pub(crate) async fn item(reader: &mut Subscriber) -> Item {
    let next = tokio::time::timeout(PATIENCE, reader.next()).await;
    next.expect("something comes").unwrap()
}

/// The next event; no reset.
pub(crate) async fn delivery(reader: &mut Subscriber) -> Delivery {
    match item(reader).await {
        Item::Event(delivery) => delivery,
        Item::Reset(reset) => panic!("{reset:?}"),
    }
}

/// The positions of the next events.
pub(crate) async fn positions(reader: &mut Subscriber, count: usize) -> Vec<u64> {
    let mut positions = Vec::with_capacity(count);
    while positions.len() < count {
        positions.push(delivery(reader).await.position());
    }
    positions
}
