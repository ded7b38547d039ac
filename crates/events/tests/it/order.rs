//! T7: whatever transactions do, every reader sees positions 1, 2, 3 … without hole or repeat, in one order that keeps
//! what was committed before something else began.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use mindflight_core::Caller;
use mindflight_core::caller::Origin;
use mindflight_core::ports::{Clock as _, Record, SystemClock};
use mindflight_embedded_postgres::{Cluster, Options};
use mindflight_events::{Filter, Item, Settings, Start, Subscriber};
use mindflight_store::Store;
use mindflight_store::events::NewRow;
use mindflight_store::signal::Urgency;
use mindflight_testapp::TestDb;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_postgres::Client;

use crate::peers::{PATIENCE, Peer};
use crate::rig::{connect, event, polled};

const TASKS: u64 = 8;
const ROUNDS: u64 = 25;

/// xorshift64*: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }

    async fn dawdle(&mut self) {
        for _ in 0..self.roll(40) {
            tokio::task::yield_now().await;
        }
    }
}

/// When transactions began and ended, by one counter.
#[derive(Default)]
struct History {
    time: u64,
    /// Of each event that is to be seen: the count before its transaction began, and after it had ended.
    spans: HashMap<String, (u64, u64)>,
}

type Shared = Arc<Mutex<History>>;

fn now(history: &Shared) -> u64 {
    let mut history = history.lock().unwrap();
    history.time += 1;
    history.time
}

fn ended(history: &Shared, began: u64, ids: Vec<String>) {
    let end = now(history);
    let mut history = history.lock().unwrap();
    history.spans.extend(ids.into_iter().map(|id| (id, (began, end))));
}

fn row(id: &str) -> NewRow {
    NewRow { id: id.to_owned(), ..NewRow::of(event("test.order", json!(id))).unwrap() }
}

async fn insert(client: &Client, id: &str) {
    let statement = format!(
        "INSERT INTO mindflight.event (id, type, source, data) VALUES ('{id}', 'test.order', 'test', '\"{id}\"')"
    );
    client.batch_execute(&statement).await.unwrap();
}

/// A transaction with savepoints, some of them rolled back, which may itself be rolled back or prepared.
async fn by_hand(
    (client, can_prepare): (&Client, bool),
    dice: &mut Dice,
    name: &str,
    history: &Shared,
) {
    let (began, mut ids) = (now(history), Vec::new());
    client.batch_execute("BEGIN").await.unwrap();
    for part in 0..1 + dice.roll(4) {
        let id = format!("{name}.{part}");
        let is_undone = dice.roll(4) == 0;
        client.batch_execute("SAVEPOINT part").await.unwrap();
        insert(client, &id).await;
        dice.dawdle().await;
        if is_undone {
            client.batch_execute("ROLLBACK TO part").await.unwrap();
        } else {
            client.batch_execute("RELEASE part").await.unwrap();
            ids.push(id);
        }
    }
    let end = match dice.roll(6) {
        0 => {
            ids.clear();
            "ROLLBACK".to_owned()
        }
        1 if can_prepare => {
            client.batch_execute(&format!("PREPARE TRANSACTION '{name}'")).await.unwrap();
            dice.dawdle().await;
            format!("COMMIT PREPARED '{name}'")
        }
        _ => "COMMIT".to_owned(),
    };
    client.batch_execute(&end).await.unwrap();
    ended(history, began, ids);
}

/// The transaction of a call.
async fn by_the_store(store: &Store, dice: &mut Dice, name: &str, history: &Shared) {
    let began = now(history);
    let record = Record {
        at: SystemClock.now(),
        action: "tool.call",
        target: "a tool".to_owned(),
        outcome: "ok".to_owned(),
        detail: Default::default(),
        caller: Caller::public(),
        origin: Origin { request: mindflight_api::RequestId::new(), ip: None },
    };
    let mut tx = store.transactions().begin(record, None, None).await.unwrap();
    let mut ids = Vec::new();
    for part in 0..1 + dice.roll(3) {
        let id = format!("{name}.{part}");
        tx.publish(row(&id)).await.unwrap();
        dice.dawdle().await;
        ids.push(id);
    }
    if dice.roll(4) == 0 {
        return drop(tx);
    }
    tx.finish(&Value::Null).await.unwrap();
    ended(history, began, ids);
}

/// Everything there is, as one reader sees it: from its start on, to the last event.
async fn follow(mut reader: Subscriber, last: &str) -> Vec<(u64, String)> {
    let mut seen = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, reader.next()).await;
        let Item::Event(delivery) = next.expect("an event comes").unwrap() else {
            panic!("a reset")
        };
        let id = delivery.envelope().unwrap().id;
        if id == last {
            return seen;
        }
        seen.push((delivery.position(), id));
    }
}

/// One of those who publish.
struct Publisher {
    log: mindflight_events::Log,
    store: Store,
    client: Client,
    can_prepare: bool,
    history: Shared,
}

impl Publisher {
    async fn run(self, task: u64, seed: u64) {
        let Self { log, store, client, can_prepare, history } = self;
        let mut dice = Dice(seed.wrapping_mul(1000) + task + 1);
        for round in 0..ROUNDS {
            let name = format!("{task}.{round}");
            match dice.roll(4) {
                0 => by_the_store(&store, &mut dice, &name, &history).await,
                1 => {
                    let began = now(&history);
                    let parts = 0..1 + dice.roll(5);
                    let rows: Vec<_> = parts.map(|part| row(&format!("{name}.{part}"))).collect();
                    store.events().publish(&rows).await.unwrap();
                    ended(&history, began, rows.into_iter().map(|row| row.id).collect());
                }
                _ => by_hand((&client, can_prepare), &mut dice, &name, &history).await,
            }
            log.signals().published(Urgency::Now);
        }
    }
}

/// Publishes, and starts readers at places that the log has reached.
async fn run((url, store): (&str, &Store), seed: u64) -> (Vec<Vec<(u64, String)>>, Shared) {
    let history = Shared::default();
    let small = Settings { ring: 16, page: 7, page_bytes: 2000, ..polled() };
    let peers = [Peer::start(store, polled()), Peer::start(store, small)];
    let client = connect(url).await;
    let prepared: String =
        client.query_one("SHOW max_prepared_transactions", &[]).await.unwrap().get(0);
    let mut publishers = JoinSet::new();
    for task in 0..TASKS {
        let (history, store, client) = (history.clone(), store.clone(), connect(url).await);
        let log = peers[usize::try_from(task % 2).unwrap()].log.clone();
        let can_prepare = prepared != "0";
        let publisher = Publisher { log, store, client, can_prepare, history };
        publishers.spawn(publisher.run(task, seed));
    }
    let (mut readers, mut dice) = (JoinSet::new(), Dice(seed + 7));
    for number in 0..12 {
        dice.dawdle().await;
        let log = &peers[number % 2].log;
        let head = log.head().await.unwrap();
        let start = match number {
            0 | 1 => Start::Oldest,
            2 => Start::Now,
            _ => Start::Position(dice.roll(head.position + 1)),
        };
        let reader = log.subscribe(Filter::all(), start);
        readers.spawn(follow(reader, "last"));
    }
    publishers.join_all().await;
    insert(&client, "last").await;
    (readers.join_all().await, history)
}

fn check(seen: &[Vec<(u64, String)>], history: &History) {
    let all = seen.iter().max_by_key(|seen| seen.len()).unwrap();
    let expected: Vec<u64> = (1..=all.len() as u64).collect();
    assert_eq!(all.iter().map(|(position, _)| *position).collect::<Vec<_>>(), expected);
    for seen in seen {
        assert_eq!(seen[..], all[all.len() - seen.len()..], "every reader sees the same order");
    }
    let mut ids: Vec<&String> = all.iter().map(|(_, id)| id).collect();
    // The latest beginning among those that came before each.
    let mut latest = 0;
    for (position, id) in all {
        let (began, end) = history.spans.get(id).unwrap_or_else(|| panic!("{id} was rolled back"));
        assert!(*end > latest, "{id} at {position} had ended before one before it began");
        latest = latest.max(*began);
    }
    ids.sort_unstable();
    let mut published: Vec<&String> = history.spans.keys().collect();
    published.sort_unstable();
    assert_eq!(ids, published, "all that was committed, once");
}

async fn checked(at: (&str, &Store)) {
    let seed = u64::from(getrandom::u32().unwrap()) + 1;
    let run = async {
        let (seen, history) = run(at, seed).await;
        check(&seen, &history.lock().unwrap());
    };
    // What went wrong was said where it did.
    assert!(AssertUnwindSafe(run).catch_unwind().await.is_ok(), "seed {seed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_sees_one_dense_order_that_keeps_causes_before_effects() {
    for _ in 0..3 {
        let db = TestDb::new().await;
        checked((db.url(), db.store())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prepared_transactions_are_seen_when_they_are_committed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap();
    std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let settings = vec![("max_prepared_transactions".to_owned(), "20".to_owned())];
    let options = Options { durable: false, settings, ..Options::from_env(dir.join("cluster")) };
    let cluster = Cluster::open(&options).unwrap();
    let url = cluster.url("postgres");
    let store = Store::lazy(&mindflight_store::Settings::new(&url), Arc::new(SystemClock)).unwrap();
    store.migrate().await.unwrap();
    checked((&url, &store)).await;
    cluster.stop().unwrap();
}
