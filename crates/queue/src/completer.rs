//! Writes down how attempts ended: everything that has ended since the last write, in one go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mindflight_store::jobs::{Completer, Finished};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::queue::Shared;

/// Attempts that are written in one go.
const BATCH: usize = 1000;

/// The shortest and longest pause while the database is away.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Where ended attempts are handed in.
pub(crate) struct Report {
    send: mpsc::UnboundedSender<Finished>,
    receive: Mutex<Option<mpsc::UnboundedReceiver<Finished>>>,
}

impl Default for Report {
    fn default() -> Self {
        // What is in it is bounded by the claimer, which stops taking when too much is unwritten.
        let (send, receive) = mpsc::unbounded_channel();
        Self { send, receive: Mutex::new(Some(receive)) }
    }
}

impl Report {
    pub(crate) fn send(&self, finished: Finished) {
        // It fails only when the completer has gone for good, with the process.
        drop(self.send.send(finished));
    }

    fn take(&self) -> Option<mpsc::UnboundedReceiver<Finished>> {
        self.receive.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn give_back(&self, receive: mpsc::UnboundedReceiver<Finished>) {
        *self.receive.lock().unwrap_or_else(PoisonError::into_inner) = Some(receive);
    }
}

/// Writes until told that there is nothing more to come.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let Some(mut receive) = shared.report.take() else { return };
    let mut completer = match shared.jobs.completer() {
        Ok(completer) => completer,
        Err(error) => return tracing::error!(error = %error, "no job can be ended: {error}"),
    };
    let mut batch = Vec::with_capacity(BATCH);
    while stop.run_until_cancelled(receive.recv_many(&mut batch, BATCH)).await.is_some() {
        if stop.run_until_cancelled(write(&shared, &mut completer, &batch)).await.is_none() {
            break;
        }
        batch.clear();
    }
    shared.report.give_back(receive);
}

/// Writes a batch, however often it takes: it is the same batch every time, and each part of it is done once.
async fn write(shared: &Shared, completer: &mut Completer, batch: &[Finished]) {
    let mut pause = RETRY.0;
    loop {
        match completer.complete(batch).await {
            Ok(ended) => {
                let stale = batch.len().saturating_sub(ended.count);
                if stale > 0 {
                    metrics::counter!("mindflight_jobs_stale_total").increment(stale as u64);
                    tracing::debug!(stale, "the ends of {stale} attempts came too late or twice");
                }
                shared.held.wrote(batch.iter().map(|finished| finished.lease));
                return shared_wake(shared, &ended.queues);
            }
            Err(error) => {
                tracing::warn!(error = %error, "{} ended attempts wait to be written: {error}", batch.len());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
}

/// Jobs that were put back are claimed by whoever is free; only this process knows of them yet.
fn shared_wake(shared: &Shared, queues: &[i16]) {
    shared.wake.add(queues);
    shared.due.notify_one();
}
