//! Makes jobs durable, all callers that wait together in one transaction: one flush of the disk serves them all.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mindflight_api::{JobId, codes};
use mindflight_core::{Error, Result};
use mindflight_store::Error as Failed;
use mindflight_store::jobs::{Inserter, Jobs, NewRow};
use tokio::sync::{mpsc, oneshot};

/// Requests that may wait; whoever comes after them waits to be let in.
const WAITING: usize = 1024;

/// Rows that are written in one go.
const BATCH: usize = 1000;

/// Which unique keys were taken already, and by whom.
type Existing = HashMap<JobId, JobId>;

struct Waiting {
    rows: Vec<NewRow>,
    answer: oneshot::Sender<Result<Existing>>,
}

/// Where jobs to be made are handed in.
pub(crate) struct Enqueue {
    send: mpsc::Sender<Waiting>,
    receive: Mutex<Option<mpsc::Receiver<Waiting>>>,
}

impl Enqueue {
    pub(crate) fn new() -> Self {
        let (send, receive) = mpsc::channel(WAITING);
        Self { send, receive: Mutex::new(Some(receive)) }
    }

    /// Makes jobs, all or none; durable when this returns.
    pub(crate) async fn insert(&self, rows: Vec<NewRow>) -> Result<Existing> {
        let (answer, made) = oneshot::channel();
        let stopped = || Error::of(codes::SHUTTING_DOWN, "the server is shutting down");
        self.send.send(Waiting { rows, answer }).await.map_err(|_| stopped())?;
        made.await.map_err(|_| stopped().wait(Duration::from_secs(1)))?
    }

    /// Writes what is handed in, until the queue is gone.
    pub(crate) async fn run(&self, jobs: &Jobs) {
        let receive = self.receive.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(receive) = receive else { return };
        // Given back, so that a crash of this task does not end all enqueueing.
        let mut returned = Returned { receive: Some(receive), home: &self.receive };
        let Some(receive) = returned.receive.as_mut() else { return };
        let mut inserter = match jobs.inserter() {
            Ok(inserter) => inserter,
            Err(error) => return tracing::error!(error = %error, "no jobs can be made: {error}"),
        };
        while let Some(first) = receive.recv().await {
            let mut batch = vec![first];
            let mut rows = batch[0].rows.len();
            while rows < BATCH
                && let Ok(next) = receive.try_recv()
            {
                rows += next.rows.len();
                batch.push(next);
            }
            write(&mut inserter, batch).await;
        }
    }
}

struct Returned<'a> {
    receive: Option<mpsc::Receiver<Waiting>>,
    home: &'a Mutex<Option<mpsc::Receiver<Waiting>>>,
}

impl Drop for Returned<'_> {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = self.receive.take();
    }
}

/// Together; and if that is refused, one by one, so that nobody pays for another's row.
async fn write(inserter: &mut Inserter, batch: Vec<Waiting>) {
    let together: Vec<NewRow>;
    let rows = if let [only] = &*batch {
        &only.rows
    } else {
        together = batch.iter().flat_map(|waiting| waiting.rows.clone()).collect();
        &together
    };
    let mut made = inserter.insert(rows).await;
    if matches!(made, Err(Failed::Unavailable(_) | Failed::Timeout(_))) {
        // It may have been done although nobody said so.
        made = inserter.insert_again(rows).await;
    }
    match made {
        Ok(existing) => {
            for waiting in batch {
                let own = |row: &NewRow| Some((row.id, *existing.get(&row.id)?));
                let own = waiting.rows.iter().filter_map(own).collect();
                // Whoever does not wait any more finds the job all the same.
                drop(waiting.answer.send(Ok(own)));
            }
        }
        Err(error) => one_by_one(inserter, batch, error).await,
    }
}

async fn one_by_one(inserter: &mut Inserter, batch: Vec<Waiting>, error: Failed) {
    let is_alone = batch.len() == 1;
    let mut last = Some(error);
    for waiting in batch {
        let is_away = matches!(last, Some(Failed::Unavailable(_)));
        let made = match last.take() {
            // Once for all: each would wait as long as the one before.
            Some(error) if is_alone || is_away => Err(error),
            _ => inserter.insert_again(&waiting.rows).await,
        };
        if let Err(Failed::Unavailable(cause)) = &made {
            last = Some(Failed::Unavailable(cause.to_string().into()));
        }
        drop(waiting.answer.send(made.map_err(Error::from)));
    }
}
