//! Makes jobs durable, all callers that wait together in one transaction: one flush of the disk serves them all.

use std::collections::HashMap;
use std::time::Duration;

use mindflight_api::{JobId, codes};
use mindflight_core::{Error, Result};
use mindflight_store::Error as Failed;
use mindflight_store::jobs::{Inserter, NewRow};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::queue::Shared;

/// Requests that may wait; whoever comes after them waits to be let in.
const WAITING: usize = 1024;

/// Rows that are written in one go.
const BATCH: usize = 1000;

/// What became of jobs that were to be made.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Which unique keys were taken already, and by whom.
    pub(crate) existing: HashMap<JobId, JobId>,
    /// They were given to this process at once: nobody has to look for them.
    pub(crate) is_started: bool,
}

struct Waiting {
    rows: Vec<NewRow>,
    answer: oneshot::Sender<Result<Written>>,
}

/// Where jobs to be made are handed in.
pub(crate) struct Enqueue {
    send: mpsc::Sender<Waiting>,
    /// Of whoever writes.
    receive: Mutex<mpsc::Receiver<Waiting>>,
}

impl Enqueue {
    pub(crate) fn new() -> Self {
        let (send, receive) = mpsc::channel(WAITING);
        Self { send, receive: Mutex::new(receive) }
    }

    /// Makes jobs, all or none; durable when this returns.
    pub(crate) async fn insert(&self, rows: Vec<NewRow>) -> Result<Written> {
        let (answer, made) = oneshot::channel();
        let stopped = || Error::of(codes::SHUTTING_DOWN, "the server is shutting down");
        self.send.send(Waiting { rows, answer }).await.map_err(|_| stopped())?;
        made.await.map_err(|_| stopped().wait(Duration::from_secs(1)))?
    }
}

/// Writes what is handed in, until the queue is gone.
pub(crate) async fn run(shared: &Shared) {
    let mut inserter = match shared.jobs.inserter() {
        Ok(inserter) => inserter,
        Err(error) => return tracing::error!(error = %error, "no jobs can be made: {error}"),
    };
    let mut receive = shared.enqueue.receive.lock().await;
    while let Some(first) = receive.recv().await {
        let mut batch = vec![first];
        let mut rows = batch[0].rows.len();
        while rows < BATCH
            && let Ok(next) = receive.try_recv()
        {
            rows += next.rows.len();
            batch.push(next);
        }
        write(shared, &mut inserter, batch).await;
    }
}

/// Together; and if that is refused, one by one, so that nobody pays for another's row.
async fn write(shared: &Shared, inserter: &mut Inserter, mut batch: Vec<Waiting>) {
    // Each caller's rows stay together, in the order in which they came.
    let sizes: Vec<usize> = batch.iter().map(|waiting| waiting.rows.len()).collect();
    let rows: Vec<NewRow> = match &mut *batch {
        [only] => std::mem::take(&mut only.rows),
        all => all.iter_mut().flat_map(|waiting| std::mem::take(&mut waiting.rows)).collect(),
    };
    match make(shared, inserter, &rows).await {
        Ok(Written { existing, is_started }) => {
            let mut rest = &*rows;
            for (waiting, size) in batch.into_iter().zip(sizes) {
                let (own, others) = rest.split_at(size);
                rest = others;
                let own = own.iter().filter_map(|row| Some((row.id, *existing.get(&row.id)?)));
                let existing = if existing.is_empty() { HashMap::new() } else { own.collect() };
                // Whoever does not wait any more finds the job all the same.
                drop(waiting.answer.send(Ok(Written { existing, is_started })));
            }
        }
        Err(error) => {
            let mut rows = rows.into_iter();
            for (waiting, size) in batch.iter_mut().zip(sizes) {
                waiting.rows = rows.by_ref().take(size).collect();
            }
            one_by_one(inserter, batch, error).await;
        }
    }
}

async fn make(
    shared: &Shared,
    inserter: &mut Inserter,
    rows: &[NewRow],
) -> std::result::Result<Written, Failed> {
    let mut made = match shared.may_start(rows) {
        Some(worker) => {
            let _starting = shared.held.starting(rows.iter().map(|row| row.id));
            inserter.start(rows, worker).await.map(|claimed| {
                let is_started = !claimed.is_empty();
                shared.start(claimed);
                Written { existing: HashMap::new(), is_started }
            })
        }
        None => inserter.insert(rows).await.map(found),
    };
    if matches!(made, Err(Failed::Unavailable(_) | Failed::Timeout(_))) {
        // It may have been done although nobody said so. What was given to this process without its knowing goes
        // back to the queue when what it holds is compared with what the database says.
        made = inserter.insert_again(rows).await.map(found);
    }
    made
}

fn found(existing: HashMap<JobId, JobId>) -> Written {
    Written { existing, is_started: false }
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
        drop(waiting.answer.send(made.map(found).map_err(Error::from)));
    }
}
