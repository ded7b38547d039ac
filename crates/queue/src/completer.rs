//! Writes down how attempts ended: everything that has ended since the last write, in one go.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::Error;
use mindflight_store::jobs::{Completer, End, Ended, Finished};
use mindflight_store::signal::Urgency;
use tokio_util::sync::CancellationToken;

use crate::error::as_job_error;
use crate::queue::Shared;

/// Attempts that are written in one go.
const BATCH: usize = 1000;

/// The shortest and longest pause while the database is away.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Writes until told that there is nothing more to come.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let Some(mut receive) = shared.unwritten.take() else { return };
    let mut completer = match shared.jobs.completer() {
        Ok(completer) => completer,
        Err(error) => return tracing::error!(error = %error, "no job can be ended: {error}"),
    };
    let mut batch = Vec::with_capacity(BATCH);
    while stop.run_until_cancelled(receive.recv_many(&mut batch, BATCH)).await.is_some() {
        if stop.run_until_cancelled(write(&shared, &mut completer, &batch)).await.is_none() {
            break;
        }
        shared.unwritten.wrote(batch.len());
        batch.clear();
    }
    shared.unwritten.give_back(receive);
}

/// Writes a batch, however often it takes: it is the same batch every time, and each part of it is done once.
async fn write(shared: &Shared, completer: &mut Completer, batch: &[Finished]) {
    let mut pause = RETRY.0;
    loop {
        match completer.complete(batch).await {
            Ok(ended) => return wrote(shared, batch, &ended),
            Err(error) if is_refused(&error) => break,
            Err(error) => {
                tracing::warn!(error = %error, "{} ended attempts wait to be written: {error}", batch.len());
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }
    if let [finished] = batch {
        return refuse(shared, completer, finished).await;
    }
    // One that cannot be written must not keep the others from it.
    for finished in batch {
        Box::pin(write(shared, completer, std::slice::from_ref(finished))).await;
    }
}

/// Whether trying again is no use: the database is there, and does not take it.
fn is_refused(error: &mindflight_store::Error) -> bool {
    use mindflight_store::Error::{Config, Timeout, TooOld, Unavailable};
    !matches!(error, Unavailable(_) | Timeout(_) | Config(_) | TooOld { .. })
}

/// An end that the database does not take is a failure of the job, and its attempt must not stay open for ever.
async fn refuse(shared: &Shared, completer: &mut Completer, finished: &Finished) {
    let lease = finished.lease;
    let error = Error::internal("the database does not take the end of this attempt");
    let failed = Finished { end: End::Failed(as_job_error(&error)), ..finished.clone() };
    match completer.complete(std::slice::from_ref(&failed)).await {
        Ok(ended) => {
            tracing::error!(job = %lease.job, "the end of attempt {} at job {} could not be written; it has failed", lease.attempt, lease.job);
            wrote(shared, &[failed], &ended);
        }
        Err(error) => {
            tracing::error!(job = %lease.job, error = %error, "attempt {} at job {} cannot be ended: {error}", lease.attempt, lease.job);
            shared.held.wrote([lease]);
        }
    }
}

fn wrote(shared: &Shared, batch: &[Finished], ended: &Ended) {
    let stale = batch.len().saturating_sub(ended.count);
    if stale > 0 {
        metrics::counter!("mindflight_jobs_stale_total").increment(stale as u64);
        tracing::debug!(stale, "the ends of {stale} attempts came too late or twice");
    }
    if ended.count > 0 {
        shared.signals.published(Urgency::Soon);
        // One of them may have been the last that its queue lets run.
        shared.wake.add(&shared.limited.all());
    }
    shared.held.wrote(batch.iter().map(|finished| finished.lease));
    // Jobs that were put back are claimed by whoever is free; only this process knows of them yet.
    shared.wake.add(&ended.queues);
    if batch.iter().any(|finished| matches!(finished.end, End::Retry(..) | End::Snooze(_))) {
        shared.due.notify_one();
    }
}
