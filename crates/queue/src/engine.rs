//! The engine of one process: it lives as one worker after another, and each gives back what it has when it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_store::jobs::{End, Finished, Keeper, Registration};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::held::Stop;
use crate::queue::{Queue, Shared};
use crate::{attempt, claimer, completer, keeper, pulse, recorder};

/// Pause while the database is away.
const RETRY: Duration = Duration::from_millis(250);

/// How long what has ended may take to be written when the server stops.
const FLUSH: Duration = Duration::from_secs(5);

impl Queue {
    /// Takes and runs jobs until `stop`; then gives back what was not started, waits for what runs, and ends.
    /// `hurry` ends that wait early.
    pub async fn run(&self, stop: CancellationToken, hurry: CancellationToken) {
        let shared = self.0.clone();
        let flushed = CancellationToken::new();
        let mut writers = JoinSet::new();
        let engine = shared.guard.engine();
        writers.spawn_on(completer::run(shared.clone(), flushed.clone()), engine);
        writers.spawn_on(recorder::run(shared.clone(), flushed.clone()), engine);
        let mut is_first = true;
        while let Some(Some(worker)) =
            stop.run_until_cancelled(register(&shared, is_first, &stop)).await
        {
            is_first = false;
            live(&shared, worker, &stop, &hurry).await;
        }
        flush(&shared).await;
        flushed.cancel();
        while writers.join_next().await.is_some() {}
        if let Some(worker) = self.worker() {
            leave(&shared, worker).await;
        }
    }
}

/// Makes a worker, as soon as the database is there.
async fn register(shared: &Shared, is_first: bool, stop: &CancellationToken) -> Option<i64> {
    let mut keeper = shared
        .jobs
        .keeper()
        .inspect_err(|error| tracing::error!(error = %error, "no job can be run: {error}"))
        .ok()?;
    while !stop.is_cancelled() {
        match begin(shared, &mut keeper, is_first).await {
            Ok(worker) => {
                shared.worker.store(worker, Ordering::Release);
                tracing::info!(worker, "worker {worker} begins");
                return Some(worker);
            }
            Err(error) => {
                tracing::warn!(error = %error, "this process cannot become a worker yet: {error}");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    None
}

async fn begin(
    shared: &Shared,
    keeper: &mut Keeper,
    is_first: bool,
) -> mindflight_store::Result<i64> {
    let settings = &shared.settings;
    if let Some(holder) = settings.holder.as_ref().filter(|_| is_first) {
        let rescued = keeper.take_over(holder, &keeper::crash(shared)).await?;
        keeper::tell(shared, &rescued);
    }
    keeper
        .register(&Registration {
            instance: shared.instance,
            holder: settings.holder.clone(),
            host: settings.host.clone(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: i32::try_from(settings.workers).unwrap_or(i32::MAX),
            kinds: shared.kinds.numbers(),
        })
        .await
}

/// The life of one worker: until the server stops, or until it counts as dead.
async fn live(
    shared: &Arc<Shared>,
    worker: i64,
    stop: &CancellationToken,
    hurry: &CancellationToken,
) {
    let (taking, alive) = (CancellationToken::new(), CancellationToken::new());
    let (mut takers, mut keepers) = (JoinSet::new(), JoinSet::new());
    let engine = shared.guard.engine();
    takers.spawn_on(claimer::run(shared.clone(), worker, taking.clone()), engine);
    let mut workers = JoinSet::new();
    for _ in 0..shared.settings.workers.max(1) {
        workers.spawn_on(attempt::work(shared.clone(), taking.clone()), engine);
    }
    let (kept, token) = (shared.clone(), alive.clone());
    keepers.spawn_on(async move { keeper::run(&kept, token).await }, engine);
    let is_stopped = tokio::select! {
        () = stop.cancelled() => true,
        // It ends when this worker counts as dead.
        () = pulse::run(shared, worker, alive.clone()) => false,
    };
    taking.cancel();
    while takers.join_next().await.is_some() {}
    if is_stopped {
        let draining = drain(shared, worker, hurry, &mut workers);
        // It still says that it lives, or others would take what it is about to end.
        tokio::select! {
            () = draining => {}
            () = pulse::run(shared, worker, alive.clone()) => {}
        }
    } else {
        give_up(shared, &mut workers).await;
    }
    workers.abort_all();
    alive.cancel();
    while keepers.join_next().await.is_some() {}
}

/// The server stops: nothing is started any more, what runs has time to end, and then is told to stop.
async fn drain(
    shared: &Arc<Shared>,
    worker: i64,
    hurry: &CancellationToken,
    workers: &mut JoinSet<()>,
) {
    announce(shared, worker).await;
    return_unstarted(shared).await;
    let patience = hurry.run_until_cancelled(tokio::time::sleep(shared.settings.grace));
    tokio::select! {
        () = ended(workers) => return,
        _ = patience => {}
    }
    tracing::info!("{} jobs still run and are told to stop", shared.held.running());
    shared.held.stop_all(Stop::Shutdown);
    let last = shared.guard.grace() * 2;
    drop(tokio::time::timeout(last, ended(workers)).await);
}

async fn ended(workers: &mut JoinSet<()>) {
    while workers.join_next().await.is_some() {}
}

async fn announce(shared: &Shared, worker: i64) {
    let Ok(mut keeper) = shared.jobs.keeper() else { return };
    if let Err(error) = keeper.stopping(worker).await {
        tracing::debug!(error = %error, "the list of workers does not show that this one stops");
    }
}

/// What was taken and not started is given back as if it had never been taken.
async fn return_unstarted(shared: &Shared) {
    drop(shared.backlog.drain());
    // Of all that is held: a suspect that waits to run alone is in no backlog.
    let leases = shared.held.waiting();
    if leases.is_empty() {
        return;
    }
    let Ok(mut claimer) = shared.jobs.claimer() else { return };
    match claimer.give_back(&leases).await {
        Ok(queues) => {
            tracing::info!("{} jobs that were not started are given back", leases.len());
            shared.held.dropped(&leases);
            shared.signals.send(mindflight_store::signal::Signal::Ready(queues));
        }
        Err(error) => {
            tracing::warn!(error = %error, "jobs that were not started could not be given back: {error}");
        }
    }
}

/// This worker counts as dead, or may by now: its jobs stop, and what is still its own goes back.
async fn give_up(shared: &Arc<Shared>, workers: &mut JoinSet<()>) {
    shared.held.stop_all(Stop::Lost);
    drop(shared.backlog.drain());
    let open = shared.held.abandon();
    drop(tokio::time::timeout(shared.guard.grace() * 2, ended(workers)).await);
    for lease in open {
        // Under the old lease: if others have taken the job, this changes nothing.
        shared.report.send(Finished {
            lease,
            end: End::Returned,
            is_tied: true,
            keeps_history: true,
        });
    }
}

async fn flush(shared: &Shared) {
    let written = async {
        while shared.held.len() > 0 {
            tokio::select! {
                () = shared.held.changed() => {}
                // What it waits for may have come between the look and the wait.
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    };
    if tokio::time::timeout(FLUSH, written).await.is_err() {
        tracing::warn!(
            "{} jobs could not be ended in time; they run again elsewhere",
            shared.held.len()
        );
    }
}

async fn leave(shared: &Shared, worker: i64) {
    let Ok(mut keeper) = shared.jobs.keeper() else { return };
    match keeper.leave(worker).await {
        Ok(()) => tracing::info!(worker, "worker {worker} has left"),
        Err(error) => tracing::warn!(error = %error, "worker {worker} could not leave: {error}"),
    }
}
