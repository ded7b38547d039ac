//! The event log's statements: what becomes one event, who gives positions, and the ends of jobs.

use std::time::Duration;

use mindflight_api::event::{
    Envelope, JOB_CANCELLED, JOB_FAILED, JOB_LONG_RUNNING, JOB_SUCCEEDED, SERVER,
};
use mindflight_core::event::Cause;
use mindflight_core::ports::NewEvent;
use mindflight_store::events::{Body, Events, NewConsumer, NewRow, Ticker};
use mindflight_store::jobs::{Claimed, End, Finished};
use mindflight_testapp::TestDb;
use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::access::record;
use crate::jobs::{Roles, crash, error};
use crate::past::{other, run};

fn row(r#type: &str, data: Value) -> NewRow {
    let (r#type, source) = (r#type.to_owned(), "test".to_owned());
    NewRow::of(NewEvent { r#type, source, data, key: None, id: None, cause: None }).unwrap()
}

fn given(id: &str, data: Value) -> NewRow {
    NewRow { id: id.to_owned(), is_given: true, ..row("test.given", data) }
}

/// Everything there is, as events.
async fn all(events: &Events) -> Vec<Envelope> {
    let mut all = Vec::new();
    for row in events.read(0, 1000, u32::MAX / 4).await.unwrap() {
        let first = row.first;
        match row.body {
            Body::One(envelope) => all.push(*envelope),
            Body::Ended(ended) => {
                let envelopes = (0..ended.count()).zip(first..);
                all.extend(envelopes.filter_map(|(at, position)| ended.envelope(at, position)));
            }
        }
        assert_eq!(all.last().map(|last| last.sequence), Some(row.last));
    }
    let positions: Vec<u64> = all.iter().map(|envelope| envelope.sequence).collect();
    assert_eq!(positions, (1..=all.len() as u64).collect::<Vec<u64>>());
    all
}

async fn tick_all(ticker: &mut Ticker) {
    while ticker.tick().await.unwrap().is_new {}
}

#[tokio::test]
async fn an_idle_log_writes_nothing_and_a_tick_takes_all_that_is_committed() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let mut ticker = events.ticker().unwrap();
    let ticked = ticker.tick().await.unwrap();
    assert!(!ticked.is_new && !ticked.is_late);
    assert_eq!((ticked.standing.head, ticked.standing.gone), (0, 0));
    let rows: Vec<NewRow> = (0..3).map(|number| row("test.number", json!(number))).collect();
    let published = events.publish(&rows).await.unwrap();
    assert_eq!(events.position_of(published[0].seq).await.unwrap(), None);
    let ticked = ticker.tick().await.unwrap();
    assert!(ticked.is_new);
    assert_eq!(ticked.standing.head, 3);
    assert_eq!(events.position_of(published[2].seq).await.unwrap(), Some(3));
    assert!(!ticker.tick().await.unwrap().is_new);
    assert_eq!(events.standing().await.unwrap(), ticked.standing);
    let data: Vec<Value> = all(&events).await.into_iter().map(|envelope| envelope.data).collect();
    assert_eq!(data, [json!(0), json!(1), json!(2)]);
}

/// T7: several tickers at once give each event one position, and those that were late say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickers_at_once_give_each_event_one_position() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let mut tickers = tokio::task::JoinSet::new();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    for _ in 0..4 {
        let (mut ticker, stop) = (events.ticker().unwrap(), stop.clone());
        tickers.spawn(async move {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                ticker.tick().await.unwrap();
            }
        });
    }
    for number in 0..100 {
        events
            .publish(&[row("test.number", json!(number)), row("test.number", json!(number))])
            .await
            .unwrap();
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    tickers.join_all().await;
    tick_all(&mut events.ticker().unwrap()).await;
    assert_eq!(all(&events).await.len(), 200);
}

#[tokio::test]
async fn another_ticker_that_is_at_work_is_told_of() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let mut ticker = events.ticker().unwrap();
    ticker.tick().await.unwrap();
    let mut holder = other(&db).await;
    run(&mut holder, "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('mindflight.tick', 0))")
        .await;
    events.publish(&[row("test.number", json!(1))]).await.unwrap();
    let ticked = ticker.tick().await.unwrap();
    assert!(ticked.is_late && !ticked.is_new);
    run(&mut holder, "ROLLBACK").await;
    assert!(ticker.tick().await.unwrap().is_new);
}

#[tokio::test]
async fn an_id_that_was_given_again_is_the_first_event() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let first = events.publish(&[given("a", json!({"x": 1, "y": 2}))]).await.unwrap();
    let again = events
        .publish(&[given("b", json!(1)), given("a", json!({"y": 2, "x": 1})), given("b", json!(1))])
        .await
        .unwrap();
    let told: Vec<(&str, bool)> = again.iter().map(|one| (one.id.as_str(), one.existing)).collect();
    assert_eq!(told, [("b", false), ("a", true), ("b", true)]);
    assert_eq!((again[1].seq, again[0].seq), (first[0].seq, again[2].seq));
    let key = NewRow { key: Some("k".to_owned()), ..given("a", json!({"x": 1, "y": 2})) };
    assert!(events.publish(&[key]).await.is_err(), "another key is another event");
    // Another publisher's ids are its own.
    let theirs = NewRow { source: "other".to_owned(), ..given("a", json!(9)) };
    assert!(!events.publish(&[theirs]).await.unwrap()[0].existing);
    // After a day it may be another event.
    let mut past = other(&db).await;
    run(
        &mut past,
        "UPDATE mindflight.event_id SET published_at = published_at - interval '25 hours'",
    )
    .await;
    let house = mindflight_store::events::House {
        retention: Duration::from_secs(3600),
        partition: Duration::from_secs(3600),
    };
    events.ticker().unwrap().keep_house(&house).await.unwrap();
    assert!(!events.publish(&[given("a", json!(2))]).await.unwrap()[0].existing);
    past.close().await.unwrap();
}

#[tokio::test]
async fn an_event_of_a_transaction_is_there_with_it_or_not_at_all() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let begin =
        async || db.store().transactions().begin(record("tool.call"), None, None).await.unwrap();
    let mut lost = begin().await;
    lost.publish(given("lost", json!(1))).await.unwrap();
    drop(lost);
    let mut kept = begin().await;
    assert_eq!(kept.publish(given("kept", json!(1))).await.unwrap(), "kept");
    assert!(kept.publish(given("kept", json!(2))).await.is_err());
    kept.publish(row("test.more", json!(2))).await.unwrap();
    let mut ticker = events.ticker().unwrap();
    tick_all(&mut ticker).await;
    assert!(all(&events).await.is_empty(), "it is not committed");
    kept.finish(&Value::Null).await.unwrap();
    tick_all(&mut ticker).await;
    let types: Vec<String> =
        all(&events).await.into_iter().map(|envelope| envelope.r#type).collect();
    assert_eq!(types, ["test.given", "test.more"]);
}

#[tokio::test]
async fn consumers_begin_now_and_are_held_by_one() {
    let db = TestDb::new().await;
    let events = db.store().events();
    let mut ticker = events.ticker().unwrap();
    events.publish(&[row("test.number", json!(1))]).await.unwrap();
    tick_all(&mut ticker).await;
    let consumer = NewConsumer { name: "a".to_owned(), pattern: "**".to_owned(), source: None };
    let cursors = events.consumers(std::slice::from_ref(&consumer)).await.unwrap();
    assert_eq!(cursors[0].position, 1);
    let names = ["a".to_owned()];
    let held = events.hold(&names).await.unwrap();
    assert!(events.hold(&names).await.unwrap().cursors.is_empty(), "another holds it");
    let moved = mindflight_store::events::Cursor { position: 5, ..cursors[0].clone() };
    assert!(held.advance(std::slice::from_ref(&moved), &[]).await.unwrap().is_empty());
    assert_eq!(events.hold(&names).await.unwrap().cursors.first(), Some(&moved));
    assert_eq!(events.consumers(&[consumer]).await.unwrap(), [moved], "it stays where it is");
}

/// A batch is one row, and each job in it one event with its cause.
#[tokio::test]
async fn jobs_that_end_together_are_events_in_a_row() {
    let mut roles = Roles::new().await;
    let made = roles.make(5, |_, _| ()).await;
    let claimed = roles.take(5, |_| ()).await;
    let ends = [
        (End::Succeeded("1".to_owned()), true),
        (End::Failed(error(mindflight_api::codes::TIMEOUT)), true),
        (End::Succeeded("2".to_owned()), false),
        (End::Cancelled(error(mindflight_api::codes::JOB_CANCELLED)), true),
        (End::Retry(Duration::ZERO, error(mindflight_api::codes::TIMEOUT)), true),
    ];
    let cause = Cause { depth: 3, correlation_id: "chain".to_owned() };
    let batch: Vec<Finished> = claimed
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(number, (claimed, (end, keeps_history)))| {
            let cause = (number < 3).then(|| cause.clone());
            let Claimed { lease, kind, .. } = *claimed;
            Finished { lease, kind, end, is_tied: false, keeps_history, cause }
        })
        .collect();
    assert_eq!(roles.completer.complete(&batch).await.unwrap().count, 5);
    let events = roles.db.store().events();
    tick_all(&mut events.ticker().unwrap()).await;
    let mut found = all(&events).await;
    found.sort_by_key(|event| made.iter().position(|id| event.key == Some(id.to_string())));
    let told: Vec<_> = found
        .iter()
        .map(|event| (event.r#type.as_str(), event.depth, event.correlationid.as_deref()))
        .collect();
    let chain = Some("chain");
    let expected = [
        (JOB_SUCCEEDED, 4, chain),
        (JOB_FAILED, 4, chain),
        (JOB_SUCCEEDED, 4, chain),
        (JOB_CANCELLED, 0, None),
    ];
    assert_eq!(told, expected);
    assert_eq!(found[1].data["error"], "timeout");
    for event in &found {
        assert_eq!(event.source, SERVER);
        assert_eq!(
            (&event.data["kind"], &event.data["queue"]),
            (&json!("mail.send"), &json!("mail"))
        );
        assert_eq!(event.data["attempt"], 1);
    }
    let middle = found.iter().map(|event| event.sequence).max().unwrap() - 1;
    assert_eq!(events.at(middle).await.unwrap().map(|event| event.sequence), Some(middle));
    assert!(events.at(middle + 2).await.unwrap().is_none());
    let rows = events.read(middle - 1, 1, 1).await.unwrap();
    assert!(rows[0].first <= middle && middle <= rows[0].last, "a row may begin before");
}

#[tokio::test]
async fn jobs_that_a_dead_worker_had_or_that_were_cancelled_while_they_waited_are_told_of() {
    let mut roles = Roles::new().await;
    let poison = roles.make(1, |_, row| row.max_attempts = 1).await[0];
    let lease = roles.take(1, |_| ()).await[0].lease;
    for _ in 0..2 {
        roles.keeper.tell_long_running(&[lease]).await.unwrap();
    }
    let waits = roles.make(1, |_, _| ()).await[0];
    let reason = Some("enough");
    roles.db.store().job_views().cancel(waits, reason, &record("job.cancel")).await.unwrap();
    let mut past = other(&roles.db).await;
    run(&mut past, "DELETE FROM mindflight.worker").await;
    roles.keeper.rescue(Duration::from_secs(60), &crash()).await.unwrap();
    let events = roles.db.store().events();
    tick_all(&mut events.ticker().unwrap()).await;
    let told: Vec<_> =
        all(&events).await.into_iter().map(|event| (event.r#type, event.key.unwrap())).collect();
    let expected = [(JOB_LONG_RUNNING, poison), (JOB_CANCELLED, waits), (JOB_FAILED, poison)];
    assert_eq!(told, expected.map(|(name, id)| (name.to_owned(), id.to_string())));
}
