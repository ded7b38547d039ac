//! Events reach every subscriber of every instance once and in one order, whatever happens to processes, connections
//! and databases: three real ones, killed, cut off, restarted, slow, rolled back.

mod counted;
mod cut;
mod killed;
mod publisher;
pub(crate) mod reader;
mod shutdown;
mod slow;
mod transactions;

use std::collections::HashMap;
use std::time::Duration;

use mindflight_store::Settings;
use mindflight_store::admin::Admin;
use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::json;

use self::publisher::Acknowledged;
use self::reader::{Reader, Seen};
use crate::jobs::watchful;
use crate::rig::{BINARY, command, start};

/// As long as a test may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// Servers on one database.
struct Crowd {
    url: String,
    key: String,
    servers: Vec<Instance>,
    /// Dropped last; none if the database is on a cluster of the test's own.
    _db: Option<TestDb>,
}

impl Crowd {
    /// Three of them.
    async fn new() -> Self {
        let db = TestDb::new().await;
        let crowd = Self::on(db.url()).await;
        Self { _db: Some(db), ..crowd }
    }

    /// Three of them on a database that there is already.
    async fn on(url: &str) -> Self {
        let create = command(&["key", "create", "--name", "test", "--scopes", "admin"]);
        let key = create.env("DATABASE_URL", url).stdout().await.unwrap();
        let launch = || async { start(watchful(Launch::serve(BINARY, url))).await.with_key(&key) };
        let (one, two, three) = tokio::join!(launch(), launch(), launch());
        Self { url: url.to_owned(), key, servers: vec![one, two, three], _db: None }
    }

    /// A connection of the test's own.
    async fn admin(&self) -> Admin {
        let settings = Settings { instance: "chaos-test".to_owned(), ..Settings::new(&self.url) };
        Admin::connect(&settings).await.unwrap()
    }

    /// So many subscribers on each server, all of them let in. Each goes on elsewhere when it is cut.
    async fn readers(&self, each: usize) -> Vec<Reader> {
        let urls: Vec<String> = self.servers.iter().map(|one| one.url().to_owned()).collect();
        let mut readers = Vec::new();
        for at in 0..self.servers.len() * each {
            let mut urls = urls.clone();
            urls.rotate_left(at % self.servers.len());
            readers.push(Reader::of(urls, &self.key));
        }
        for reader in &readers {
            reader.connected(1).await;
        }
        readers
    }

    /// Publishes something that comes after everything that was acknowledged; its position.
    async fn mark(&self) -> u64 {
        let server = self.servers.last().unwrap();
        let mark = json!({"type": "chaos.mark"});
        server.post("/api/events?wait=10", &mark).await.ok()["position"].as_u64().unwrap()
    }

    /// Checks what everybody has seen, once they have seen everything that there is.
    async fn all_see(&self, readers: &[Reader], acknowledged: &[Acknowledged]) {
        let last = self.mark().await;
        for reader in readers {
            reader.until(last).await;
        }
        let all: Vec<Vec<Seen>> = readers.iter().map(Reader::seen).collect();
        in_one_order(&all);
        for seen in &all {
            acknowledged_are_there(seen, acknowledged);
        }
    }
}

/// Positions run without hole or double from where each began, and mean the same event to everybody.
#[track_caller]
pub(crate) fn in_one_order(all: &[Vec<Seen>]) {
    let mut events: HashMap<u64, &Seen> = HashMap::new();
    for seen in all {
        let first = seen.first().expect("somebody has seen nothing").position;
        for (expected, one) in (first..).zip(seen) {
            assert_eq!(one.position, expected, "a hole, or twice: {one:?}");
            let known = events.entry(expected).or_insert(one);
            assert_eq!((&known.place, &known.envelope), (&one.place, &one.envelope));
        }
    }
}

#[track_caller]
fn acknowledged_are_there(seen: &[Seen], acknowledged: &[Acknowledged]) {
    let mut positions: HashMap<&str, Vec<u64>> = HashMap::new();
    for one in seen {
        positions.entry(one.id()).or_default().push(one.position);
    }
    for one in acknowledged {
        let Some([position]) = positions.get(one.id.as_str()).map(Vec::as_slice) else {
            panic!("{one:?} was acknowledged and seen at {:?}", positions.get(one.id.as_str()))
        };
        if let Some(told) = one.position {
            assert_eq!(told, *position, "{one:?}");
        }
    }
    assert!(!acknowledged.is_empty());
}
