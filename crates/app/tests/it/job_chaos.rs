//! Jobs survive what happens to processes and databases: real ones, killed, stopped, cut off and restarted.

mod crowd;
pub(crate) mod cut;
mod killed;
mod listen;
mod numbers;
mod pool;
mod pooler;
mod race;
mod restored;
mod said;
mod shutdown;
mod stopped;

use std::sync::Arc;
use std::time::{Duration, Instant};

use mindflight_core::api::JobState;
use mindflight_core::ports::SystemClock;
use mindflight_store::admin::Admin;
use mindflight_store::{Settings, Store};
use mindflight_testapp::{Instance, Launch, TestDb};
use serde_json::{Value, json};

use crate::jobs::{items, setting, text, watchful};
use crate::rig::{BINARY, command, eventually, start};

/// States of jobs that have not ended.
const OPEN: [JobState; 4] =
    [JobState::Scheduled, JobState::Queued, JobState::Running, JobState::Retrying];

/// As long as a test may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The queue of all jobs here: the clock puts its own into another one.
const QUEUE: &str = "chaos";

/// A database, and a key for whatever servers there are on it.
struct Site {
    url: String,
    key: String,
    store: Store,
    /// Dropped last; none if the database is on a cluster of the test's own.
    _db: Option<TestDb>,
}

impl Site {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let site = Self::on(db.url()).await;
        Self { _db: Some(db), ..site }
    }

    /// On a database that there is already.
    async fn on(url: &str) -> Self {
        let create = command(&["key", "create", "--name", "test", "--scopes", "admin"]);
        let key = create.env("DATABASE_URL", url).stdout().await.unwrap();
        let store = Store::lazy(&settings(url), Arc::new(SystemClock)).unwrap();
        Self { url: url.to_owned(), key, store, _db: None }
    }

    /// A server that notices soon, and runs so many jobs at once.
    async fn server(&self, workers: usize) -> Instance {
        self.with(|launch| setting(launch, "WORKERS", &workers.to_string())).await
    }

    async fn with(&self, change: impl FnOnce(Launch) -> Launch) -> Instance {
        self.of(BINARY, change).await
    }

    async fn of(&self, binary: &str, change: impl FnOnce(Launch) -> Launch) -> Instance {
        start(change(watchful(Launch::serve(binary, &self.url)))).await.with_key(&self.key)
    }

    /// A connection of the test's own.
    async fn admin(&self) -> Admin {
        Admin::connect(&settings(&self.url)).await.unwrap()
    }

    /// How many jobs are in a state; asked of the database, because servers may be too busy to say.
    async fn count(&self, states: &[JobState]) -> u64 {
        let counts = self.store.job_views().counts(None, Some(QUEUE), None).await;
        let count = |counts: mindflight_store::job_views::Counts| {
            states.iter().filter_map(|state| counts.counts.get(state)).sum()
        };
        counts.map(count).unwrap_or_default()
    }

    /// Waits until so many jobs are in one of these states.
    async fn until(&self, count: u64, states: &[JobState]) {
        eventually(async || (self.count(states).await >= count).then_some(())).await;
    }

    /// Waits until no job waits or runs.
    async fn all_end(&self) {
        let end = Instant::now() + PATIENCE;
        while self.count(&OPEN).await > 0 {
            let counts = self.store.job_views().counts(None, Some(QUEUE), None).await;
            assert!(Instant::now() < end, "{counts:?}");
        }
    }

    /// Waits until so many jobs have succeeded; checks that none is left, lost, or in two places (T19).
    async fn all_succeed(&self, count: u64) {
        let end = Instant::now() + PATIENCE;
        while self.count(&[JobState::Succeeded]).await < count {
            let counts = self.store.job_views().counts(None, Some(QUEUE), None).await;
            let bad = self.count(&[JobState::Failed, JobState::Cancelled]).await;
            assert!(bad == 0 && Instant::now() < end, "{counts:?}");
        }
        assert_eq!(self.count(&[JobState::Succeeded]).await, count);
        assert_eq!(self.count(&JobState::ALL).await, count);
        assert_eq!(self.store.job_views().misplaced().await.unwrap(), []);
    }
}

/// Of the test's own connections, which are not to be taken for a server's.
fn settings(url: &str) -> Settings {
    Settings { max_connections: 2, instance: "chaos-test".to_owned(), ..Settings::new(url) }
}

/// So many times the same job, in the queue of this module.
fn many(count: usize, job: &Value) -> Vec<Value> {
    let mut job = job.clone();
    job["queue"] = json!(QUEUE);
    vec![job; count]
}

/// Every job of the queue, without its attempts.
async fn listed(server: &Instance) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/jobs?queue={QUEUE}&limit=500{cursor}");
        let page = server.get(&path).await.ok();
        all.extend(items(&page).iter().cloned());
        let Some(next) = page["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

/// Every job of the queue, with its attempts.
async fn described(server: &Instance) -> Vec<Value> {
    let mut all = Vec::new();
    for job in listed(server).await {
        all.push(crate::jobs::job(server, text(&job["id"])).await);
    }
    all
}

/// Checks that each job has counted once: no two have the same count, and none is missing.
#[track_caller]
fn counted_once(jobs: &[Value]) {
    let mut counts: Vec<i64> =
        jobs.iter().map(|job| job["result"]["count"].as_i64().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=jobs.len() as i64).collect::<Vec<_>>());
}

/// The worker of an attempt.
fn worker(job: &Value, attempt: usize) -> i64 {
    job["attempts"][attempt]["worker"].as_i64().unwrap()
}
