//! Events become jobs: each one job of each consumer, whoever looks.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use mindflight_api::event::Envelope;
use mindflight_api::{Code, JobId, codes};
use mindflight_core::event::Cause;
use mindflight_core::ports::NewEvent;
use mindflight_core::{Error, Result};
use mindflight_events::{Consumer, Makes, Settings};
use mindflight_store::jobs::{Due, NewRow};
use mindflight_testapp::TestDb;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_postgres::Client;

use crate::peers::{PATIENCE, Peer, eventually};
use crate::rig::{event, number, past, peer, polled, publish};

/// Makes a job of each event; refuses what it is told to.
#[derive(Default)]
struct Jobs {
    refuses: Mutex<HashMap<String, Code>>,
}

#[async_trait]
impl Makes for Jobs {
    async fn row(&self, consumer: &str, event: Envelope) -> Result<NewRow> {
        if let Some(code) = self.refuses.lock().unwrap().get(&event.r#type) {
            return Err(Error::of(*code, "for a test"));
        }
        Ok(NewRow {
            id: JobId::new(),
            kind: 1,
            queue: 1,
            priority: 5,
            max_attempts: 3,
            due: Due::Now,
            args: json!({"consumer": consumer, "event": event}).to_string(),
            meta: None,
            needs_meta: false,
            unique: None,
            gate: None,
            outer_gate: None,
            after: Vec::new(),
            is_awaited: false,
        })
    }

    fn made(&self, _: &[i16]) {}
}

impl Jobs {
    fn refuse(&self, r#type: &str, code: Code) {
        self.refuses.lock().unwrap().insert(r#type.to_owned(), code);
    }
}

/// Makes jobs as [`Jobs`] does, but gives each away only when it may.
struct Held {
    jobs: Jobs,
    made: AtomicUsize,
    may: Semaphore,
}

impl Held {
    fn after(count: usize) -> Arc<Self> {
        let (jobs, made) = Default::default();
        Arc::new(Self { jobs, made, may: Semaphore::new(count) })
    }
}

#[async_trait]
impl Makes for Held {
    async fn row(&self, consumer: &str, event: Envelope) -> Result<NewRow> {
        let row = self.jobs.row(consumer, event).await?;
        self.made.fetch_add(1, Ordering::Relaxed);
        self.may.acquire().await.unwrap().forget();
        Ok(row)
    }

    fn made(&self, _: &[i16]) {}
}

fn consumer(name: &str, pattern: &str) -> Consumer {
    Consumer { name: name.to_owned(), pattern: pattern.parse().unwrap(), source: None }
}

async fn database() -> TestDb {
    let db = TestDb::new().await;
    let names = db.store().jobs().names();
    assert_eq!(names.queue("mail", true).await.unwrap(), 1);
    assert_eq!(names.kind("mail.on.x").await.unwrap(), 1);
    db
}

async fn listen(peer: &Peer, jobs: &Arc<Jobs>, wanted: &[Consumer]) {
    peer.log.listen(jobs.clone(), wanted.to_vec()).await.unwrap();
}

/// The positions that one consumer has jobs of, in the order of the jobs' ids.
async fn made(client: &Client, consumer: &str) -> Vec<u64> {
    let query = "SELECT (args #>> '{event,sequence}')::bigint FROM mindflight.job
        WHERE args ->> 'consumer' = $1 ORDER BY id";
    let rows = client.query(query, &[&consumer]).await.unwrap();
    rows.iter().map(|row| u64::try_from(row.get::<_, i64>(0)).unwrap()).collect()
}

async fn makes(client: &Client, consumer: &str, expected: &[u64]) {
    eventually("all jobs are made", async || made(client, consumer).await.len() >= expected.len())
        .await;
    assert_eq!(made(client, consumer).await, expected, "{consumer}");
}

#[tokio::test]
async fn a_new_consumer_starts_from_now_and_goes_on_where_it_was() {
    let db = database().await;
    let (client, jobs, one) = (past(&db).await, Arc::<Jobs>::default(), peer(&db));
    publish(&one, 0..3).await;
    listen(&one, &jobs, &[consumer("a", "test.*"), consumer("b", "other.**")]).await;
    publish(&one, 3..5).await;
    one.log.publish(vec![event("other.x", json!(1))], Some(PATIENCE)).await.unwrap();
    makes(&client, "a", &[4, 5]).await;
    makes(&client, "b", &[6]).await;
    one.stop().await;
    let two = peer(&db);
    publish(&two, 5..7).await;
    listen(&two, &jobs, &[consumer("a", "test.*"), consumer("c", "**")]).await;
    makes(&client, "a", &[4, 5, 7, 8]).await;
    publish(&two, 7..8).await;
    makes(&client, "a", &[4, 5, 7, 8, 9]).await;
    makes(&client, "c", &[9]).await;
    // What nobody wants is passed over, and that is written down.
    two.log.publish(vec![event("unwanted", json!(1))], Some(PATIENCE)).await.unwrap();
    let position = "SELECT position FROM mindflight.consumer WHERE name = 'a'";
    eventually("it is saved", async || number(&client, position).await == 10).await;
}

/// Each event is one job, though two processes look for the same consumers, and one of them breaks off all the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_make_one_job_of_each_event() {
    let db = database().await;
    let (client, jobs) = (past(&db).await, Arc::<Jobs>::default());
    let settings = || Settings { ring: 16, consumer_batch: 7, ..polled() };
    let names: Vec<String> = (0..6).map(|number| format!("c{number}")).collect();
    let wanted: Vec<Consumer> = names.iter().map(|name| consumer(name, "test.**")).collect();
    let stays = Peer::start(db.store(), settings());
    listen(&stays, &jobs, &wanted).await;
    let mut breaks = Peer::start(db.store(), settings());
    listen(&breaks, &jobs, &wanted).await;
    for round in 0..20 {
        publish(&stays, round * 20..round * 20 + 20).await;
        if round % 4 == 3 {
            // Dropped in the middle of whatever it does.
            breaks = Peer::start(db.store(), settings());
            listen(&breaks, &jobs, &wanted).await;
        }
    }
    let expected: Vec<u64> = (1..=400).collect();
    for name in &names {
        makes(&client, name, &expected).await;
    }
    let ids: HashSet<u64> = made(&client, "c0").await.into_iter().collect();
    assert_eq!(ids.len(), 400);
    drop(breaks);
}

/// One process has read two events when another makes the job of the first.
#[tokio::test]
async fn jobs_are_in_the_order_of_their_events_whoever_makes_them() {
    let db = database().await;
    let (client, wanted) = (past(&db).await, [consumer("a", "**")]);
    let (early, late) = (Held::after(1), Held::after(1));
    let one = peer(&db);
    one.log.listen(early.clone(), wanted.to_vec()).await.unwrap();
    publish(&one, 0..2).await;
    eventually("both are read", async || early.made.load(Ordering::Relaxed) == 2).await;
    let two = Peer::start(db.store(), Settings { consumer_batch: 1, ..polled() });
    two.log.listen(late.clone(), wanted.to_vec()).await.unwrap();
    makes(&client, "a", &[1]).await;
    early.may.add_permits(10);
    makes(&client, "a", &[1, 2]).await;
}

#[tokio::test]
async fn the_end_of_a_chain_gets_no_job() {
    let db = database().await;
    let (client, jobs, one) = (past(&db).await, Arc::<Jobs>::default(), peer(&db));
    listen(&one, &jobs, &[consumer("a", "**")]).await;
    let deep = |depth| NewEvent {
        cause: Some(Cause { depth, correlation_id: "chain".to_owned() }),
        ..event("test.deep", json!(1))
    };
    one.log.publish(vec![deep(14), deep(15), deep(0)], Some(PATIENCE)).await.unwrap();
    makes(&client, "a", &[1, 3]).await;
    let refused = one.log.publish(vec![deep(16)], None).await.unwrap_err();
    assert_eq!(refused.status(), 409);
}

#[tokio::test]
async fn an_event_that_is_refused_for_good_is_passed_over_and_one_without_provider_waits() {
    let db = database().await;
    let (client, jobs, one) = (past(&db).await, Arc::<Jobs>::default(), peer(&db));
    jobs.refuse("test.bad", codes::INVALID_ARGUMENTS);
    jobs.refuse("test.away", codes::UNKNOWN_KIND);
    listen(&one, &jobs, &[consumer("a", "**")]).await;
    let events = ["test.good", "test.bad", "test.good"].map(|name| event(name, json!(1)));
    one.log.publish(events.to_vec(), Some(PATIENCE)).await.unwrap();
    makes(&client, "a", &[1, 3]).await;
    one.log.publish(vec![event("test.away", json!(1))], Some(PATIENCE)).await.unwrap();
    publish(&one, 0..1).await;
    one.log.publish(vec![event("test.good", json!(1))], Some(PATIENCE)).await.unwrap();
    makes(&client, "a", &[1, 3]).await;
    jobs.refuses.lock().unwrap().clear();
    makes(&client, "a", &[1, 3, 4, 5, 6]).await;
}

/// T21: where the consumer is, the table says; what the process had read may not have happened.
#[tokio::test]
async fn a_consumer_loses_nothing_when_another_epoch_begins() {
    let db = database().await;
    let (client, jobs, one) = (past(&db).await, Arc::<Jobs>::default(), peer(&db));
    listen(&one, &jobs, &[consumer("a", "**")]).await;
    publish(&one, 0..3).await;
    makes(&client, "a", &[1, 2, 3]).await;
    client.batch_execute("UPDATE mindflight.event_log SET home = 'elsewhere'; UPDATE mindflight.consumer SET position = 1").await.unwrap();
    let two = peer(&db);
    makes(&client, "a", &[1, 2, 3, 2, 3]).await;
    publish(&two, 3..5).await;
    makes(&client, "a", &[1, 2, 3, 2, 3, 4, 5]).await;
}

/// Consumers far outnumber connections, and all have to read the table.
#[tokio::test]
async fn many_consumers_share_few_connections() {
    let db = database().await;
    let (client, jobs) = (past(&db).await, Arc::<Jobs>::default());
    let names: Vec<String> = (0..24).map(|number| format!("c{number:02}")).collect();
    let wanted: Vec<Consumer> = names.iter().map(|name| consumer(name, "test.**")).collect();
    let one = peer(&db);
    listen(&one, &jobs, &wanted).await;
    one.stop().await;
    let two = peer(&db);
    publish(&two, 0..30).await;
    two.stop().await;
    // Its memory is empty.
    let three = peer(&db);
    listen(&three, &jobs, &wanted).await;
    for name in &names {
        makes(&client, name, &(1..=30).collect::<Vec<u64>>()).await;
    }
}
