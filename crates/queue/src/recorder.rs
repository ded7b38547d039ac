//! Progress and log lines of running jobs: collected, and written now and then.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mindflight_api::job::Progress;
use mindflight_core::ports::{Clock, Lease};
use mindflight_core::progress::Report;
use mindflight_store::jobs::{Recorded, Recorder};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::queue::Shared;
use crate::said::Said;

/// Characters of one line.
const LINE: usize = 10_000;

/// Lines and steps that are written in one go.
const BATCH: usize = 1000;

/// Where one attempt's progress and log lines go.
pub(crate) struct JobReport {
    lease: Lease,
    said: mpsc::Sender<Said>,
    clock: Arc<dyn Clock>,
    lines: AtomicU32,
    most: u32,
}

impl JobReport {
    pub(crate) fn new(shared: &Shared, lease: Lease) -> Self {
        let (said, clock) = (shared.said.clone(), shared.clock.clone());
        Self { lease, said, clock, lines: AtomicU32::new(0), most: shared.settings.max_lines }
    }

    fn say(&self, said: Said) {
        // A handler must not wait for the database: what does not fit is lost, and counted.
        if self.said.try_send(said).is_err() {
            metrics::counter!("mindflight_job_lines_lost_total").increment(1);
        }
    }
}

impl Report for JobReport {
    fn progress(&self, progress: Progress) {
        self.say(Said::Progress(self.lease, progress));
    }

    fn log(&self, line: &str) {
        let before = self.lines.fetch_add(1, Ordering::Relaxed);
        let text = match before.cmp(&self.most) {
            std::cmp::Ordering::Less => line.chars().take(LINE).collect(),
            std::cmp::Ordering::Equal => {
                format!("(only the first {before} lines of an attempt are kept)")
            }
            std::cmp::Ordering::Greater => return,
        };
        self.say(Said::Line(self.lease.job, self.lease.attempt, self.clock.now(), text));
    }
}

/// Writes until told to stop, and then once more.
pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let taken = shared.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let Some(mut listener) = taken else { return };
    let mut recorder = match shared.jobs.recorder() {
        Ok(recorder) => recorder,
        Err(error) => return tracing::error!(error = %error, "nothing can be recorded: {error}"),
    };
    let mut said = Vec::new();
    while stop.run_until_cancelled(listener.recv_many(&mut said, BATCH)).await.is_some() {
        // Time for more to come.
        stop.run_until_cancelled(tokio::time::sleep(shared.settings.record)).await;
        write(&mut recorder, &mut listener, &mut said).await;
    }
    write(&mut recorder, &mut listener, &mut said).await;
    *shared.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(listener);
}

/// Writes what was said, with what has come meanwhile.
async fn write(recorder: &mut Recorder, listener: &mut mpsc::Receiver<Said>, said: &mut Vec<Said>) {
    while said.len() < BATCH * 10
        && let Ok(more) = listener.try_recv()
    {
        said.push(more);
    }
    let recorded = collect(said.drain(..));
    if recorded.is_empty() {
        return;
    }
    if let Err(error) = recorder.record(&recorded).await {
        tracing::warn!(error = %error, "progress of jobs was not written: {error}");
    }
}

/// Of the steps of one job, the last counts.
fn collect(said: impl Iterator<Item = Said>) -> Recorded {
    let (mut progress, mut lines) = (HashMap::new(), Vec::new());
    for one in said {
        match one {
            Said::Progress(lease, step) => drop(progress.insert(lease.job, (lease, step))),
            Said::Line(job, attempt, at, line) => lines.push((job, attempt, at, line)),
        }
    }
    Recorded { progress: progress.into_values().collect(), lines }
}
