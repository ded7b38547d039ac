//! How well this instance is: checked in the background, so that an answer waits for nothing.

mod database;
mod queue;
mod reading;
mod storage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use mindflight_api::health::{Check, Health, Status};
use mindflight_core::ports::Clock;
use tokio_util::sync::CancellationToken;

use self::database::Database;
use self::queue::Heads;
use self::reading::Reading;
use crate::state::AppState;

/// How long the database may take to answer; longer is as good as away.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// The queue is looked at once for so many looks at the database: it takes longer to fall ill.
const QUEUE: u32 = 5;

/// The last word on every check. Cheap to clone, cheap to read.
#[derive(Clone)]
pub(crate) struct Board(Arc<Mutex<State>>);

struct State {
    database: Reading,
    storage: Reading,
    queue: Reading,
    heads: Heads,
    /// Migrations that are missing.
    pending: Vec<String>,
    /// Whether the database has said that none is missing.
    settled: bool,
    asked: Instant,
    /// Checks that are older than this say nothing.
    good_for: Duration,
}

/// What is known elsewhere and belongs into an answer.
pub(crate) struct Beside {
    pub(crate) now: DateTime<Utc>,
    /// Providers that say they cannot do their work, with the reason.
    pub(crate) unwell: BTreeMap<String, String>,
    /// Tools and routes that hold threads although their calls are over.
    pub(crate) stuck: BTreeMap<String, usize>,
}

impl Board {
    /// A board for a server whose database has just answered and was migrated: that is how it begins.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            database: Reading::healthy(None),
            storage: Reading::healthy(None),
            queue: Reading::healthy(None),
            heads: Heads::default(),
            pending: Vec::new(),
            settled: false,
            asked: Instant::now(),
            good_for: Duration::MAX,
        })))
    }

    /// Checks again and again until told to stop; runs on the engine.
    pub(crate) async fn run(self, state: Arc<AppState>, stop: CancellationToken) {
        let interval = state.config.database.check_interval.0;
        self.state().good_for = interval * 3 + PING_LIMIT;
        let database = async {
            loop {
                self.ask_database(&state.store, &*state.clock, PING_LIMIT).await;
                tokio::time::sleep(interval).await;
            }
        };
        // A disk that hangs must not keep the database from being asked.
        let storage = async {
            loop {
                self.probe_storage(state.config.server.data_dir.as_deref(), &*state.clock).await;
                tokio::time::sleep(interval).await;
            }
        };
        let queue = async {
            loop {
                tokio::time::sleep(interval * QUEUE).await;
                self.ask_queue(&state).await;
            }
        };
        let all = futures::future::join3::<_, _, _>(database, storage, queue);
        let ((), (), ()) = stop.run_until_cancelled(all).await.unwrap_or_default();
    }

    /// `GET /health`.
    pub(crate) fn health(&self, beside: &Beside) -> Health {
        let state = self.state();
        let mut checks = BTreeMap::from([
            ("database".to_owned(), state.database_now().check()),
            ("storage".to_owned(), state.storage.check()),
            ("queue".to_owned(), state.queue.check()),
            ("calls".to_owned(), calls(&beside.stuck)),
        ]);
        drop(state);
        for (name, reason) in &beside.unwell {
            checks.insert(format!("provider.{name}"), plain(Status::Degraded, reason));
        }
        let worst = checks.iter().map(|(name, check)| counted(name, check.status)).max();
        Health {
            status: worst.unwrap_or(Status::Healthy),
            timestamp: beside.now.timestamp_millis(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            checks,
        }
    }

    /// Whether requests should come here.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn ready(&self, draining: bool) -> Result<(), String> {
        if draining {
            return Err("the server is shutting down".to_owned());
        }
        let state = self.state();
        let database = state.database_now();
        if database.status != Status::Healthy {
            return Err(database.check().detail.unwrap_or_default());
        }
        match state.pending.is_empty() {
            true => Ok(()),
            false => Err(format!("migrations are missing: {}", state.pending.join(", "))),
        }
    }

    async fn ask_database(&self, database: &dyn Database, clock: &dyn Clock, limit: Duration) {
        let settled = self.state().settled;
        let seen = database::ask(database, limit, settled).await;
        let mut state = self.state();
        state.asked = Instant::now();
        state.database.update("database", seen.reading, clock.now());
        if let Some(pending) = seen.pending {
            state.settled = pending.is_empty();
            state.pending = pending;
        }
    }

    async fn probe_storage(&self, folder: Option<&Path>, clock: &dyn Clock) {
        let seen = storage::probe(folder.map(PathBuf::from)).await;
        self.state().storage.update("storage", seen, clock.now());
    }

    /// What the database does not answer is the database's matter, not the queue's.
    async fn ask_queue(&self, app: &AppState) {
        let alive_for = app.queue.settings().dead_after;
        if let Ok(standing) = app.store.jobs().standing(alive_for).await {
            let mut state = self.state();
            let hears = app.log.is_listening() != Some(false);
            let seen = state.heads.judge(&standing, hears, Instant::now());
            state.queue.update("queue", seen, app.clock.now());
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is known of the database; what was known too long ago is known no more.
    fn database_now(&self) -> Reading {
        let silent = self.asked.elapsed();
        if silent <= self.good_for {
            return self.database.clone();
        }
        let detail = format!(
            "no check has ended for {} s: the threads of the engine are blocked",
            silent.as_secs()
        );
        Reading::new(Status::Unhealthy, detail)
    }
}

/// Only the database makes an instance unhealthy: without the others it still serves.
fn counted(name: &str, status: Status) -> Status {
    if name == "database" { status } else { status.min(Status::Degraded) }
}

fn calls(stuck: &BTreeMap<String, usize>) -> Check {
    if stuck.is_empty() {
        return Check { status: Status::Healthy, latency: None, detail: None };
    }
    let names: Vec<String> =
        stuck.iter().map(|(name, count)| format!("`{name}` ({count})")).collect();
    plain(
        Status::Degraded,
        &format!("calls that are over still hold threads: {}", names.join(", ")),
    )
}

fn plain(status: Status, detail: &str) -> Check {
    Check { status, latency: None, detail: Some(detail.to_owned()) }
}

#[cfg(test)]
mod tests;
