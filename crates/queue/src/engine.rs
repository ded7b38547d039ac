//! The engine of one process: it lives as one worker after another, and each gives back what it has when it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mindflight_core::ports::Lease;
use mindflight_store::jobs::{End, Finished, Keeper, Registration};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::held::Stop;
use crate::queue::{Queue, Shared};
use crate::{attempt, claimer, completer, deadlines, keeper, pulse, recorder};

/// Pause while the database is away.
const RETRY: Duration = Duration::from_millis(250);

/// Pause between two looks at what is not written.
const LOOK: Duration = Duration::from_millis(20);

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
        while let Some(Some(life)) =
            stop.run_until_cancelled(register(&shared, is_first, &stop)).await
        {
            is_first = false;
            live(&shared, life, &stop, &hurry).await;
        }
        flush(&shared).await;
        flushed.cancel();
        while writers.join_next().await.is_some() {}
        if let Some(worker) = self.worker() {
            leave(&shared, worker).await;
        }
    }
}

/// A worker's number, and since when it lives at the earliest.
type Life = (i64, Instant);

/// Makes a worker, as soon as the database is there.
async fn register(shared: &Shared, is_first: bool, stop: &CancellationToken) -> Option<Life> {
    let mut keeper = shared
        .jobs
        .keeper()
        .inspect_err(|error| tracing::error!(error = %error, "no job can be run: {error}"))
        .ok()?;
    while !stop.is_cancelled() {
        match begin(shared, &mut keeper, is_first).await {
            Ok((worker, since)) => {
                shared.worker.store(worker, Ordering::Release);
                tracing::info!(worker, "worker {worker} begins");
                return Some((worker, since));
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
) -> mindflight_core::Result<Life> {
    let settings = &shared.settings;
    if let Some(holder) = settings.holder.as_ref().filter(|_| is_first) {
        let rescued = keeper.take_over(holder, &keeper::crash(shared)).await?;
        keeper::tell(shared, &rescued);
    }
    // The list of workers tells whoever wonders who can run a kind, also before the first beat.
    let mut kinds = Vec::new();
    for name in shared.kinds.all().keys() {
        kinds.push(shared.numbers.kind(name).await?);
    }
    // Before it asks: the database counts from when it hears.
    let since = Instant::now();
    let worker = keeper
        .register(&Registration {
            instance: shared.instance,
            holder: settings.holder.clone(),
            host: settings.host.clone(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            slots: i32::try_from(settings.workers).unwrap_or(i32::MAX),
            kinds,
        })
        .await?;
    Ok((worker, since))
}

/// The life of one worker: until the server stops, or until it counts as dead.
async fn live(
    shared: &Arc<Shared>,
    (worker, since): Life,
    stop: &CancellationToken,
    hurry: &CancellationToken,
) {
    let (taking, alive) = (CancellationToken::new(), CancellationToken::new());
    shared.wake.forget();
    shared.is_isolated.store(false, Ordering::Release);
    shared.is_taking.store(true, Ordering::Release);
    let (mut takers, mut keepers) = (JoinSet::new(), JoinSet::new());
    let engine = shared.guard.engine();
    takers.spawn_on(claimer::run(shared.clone(), worker, taking.clone()), engine);
    let mut workers = JoinSet::new();
    for _ in 0..shared.settings.workers.max(1) {
        workers.spawn_on(attempt::work(shared.clone(), taking.clone()), engine);
    }
    let (kept, token) = (shared.clone(), alive.clone());
    keepers.spawn_on(async move { keeper::run(&kept, token).await }, engine);
    let (expiring, token) = (deadlines::run(shared.clone()), alive.clone());
    keepers.spawn_on(
        async move {
            token.run_until_cancelled(expiring).await;
        },
        engine,
    );
    // It ends when this worker counts as dead.
    let mut pulse = Box::pin(pulse::run(shared, (worker, since), alive.clone()));
    let is_stopped = tokio::select! {
        () = stop.cancelled() => true,
        () = &mut pulse => false,
        _ = takers.join_next() => crashed("takes jobs"),
        _ = keepers.join_next() => crashed("looks after the jobs"),
    };
    shared.is_taking.store(false, Ordering::Release);
    taking.cancel();
    if is_stopped {
        let draining = drain(shared, worker, hurry, (&mut takers, &mut workers));
        // It still says that it lives, or others would take what it is about to end.
        tokio::select! {
            () = draining => {}
            () = &mut pulse => {}
        }
    }
    give_up(shared, &mut takers, &mut workers).await;
    workers.abort_all();
    alive.cancel();
    ended(&mut keepers).await;
}

fn crashed(what: &str) -> bool {
    tracing::error!("the task that {what} has crashed; this worker gives up, and another begins");
    false
}

/// The server stops: nothing is started any more, what runs has time to end, and then is told to stop.
async fn drain(
    shared: &Arc<Shared>,
    worker: i64,
    hurry: &CancellationToken,
    (takers, workers): (&mut JoinSet<()>, &mut JoinSet<()>),
) {
    ended(takers).await;
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

async fn ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

async fn announce(shared: &Shared, worker: i64) {
    let Ok(mut keeper) = shared.jobs.keeper() else { return };
    if let Err(error) = keeper.stopping(worker).await {
        tracing::debug!(error = %error, "the list of workers does not show that this one stops");
    }
}

/// What was taken and not started is given back as if it had never been taken.
async fn return_unstarted(shared: &Shared) {
    let leases = shared.take_unstarted();
    if leases.is_empty() {
        return;
    }
    let given_back = match shared.jobs.claimer() {
        Ok(mut claimer) => claimer.give_back(&leases).await,
        Err(error) => Err(error),
    };
    match given_back {
        Ok(queues) => {
            tracing::info!("{} jobs that were not started are given back", leases.len());
            shared.signals.send(mindflight_store::signal::Signal::Ready(queues));
        }
        Err(error) => {
            tracing::warn!(error = %error, "jobs that were not started could not be given back at once: {error}");
            hand_back(shared, leases);
        }
    }
}

/// This worker counts as dead, or may by now, or ends: its jobs stop, and what is still its own goes back.
async fn give_up(shared: &Arc<Shared>, takers: &mut JoinSet<()>, workers: &mut JoinSet<()>) {
    // First of all: others may take these jobs soon, and the claimer may wait for the database for longer.
    shared.held.stop_all(Stop::Lost);
    let unstarted = shared.take_unstarted();
    let open = shared.held.abandon();
    hand_back(shared, unstarted);
    drop(tokio::time::timeout(shared.guard.grace() * 2, ended(workers)).await);
    hand_back(shared, open);
    ended(takers).await;
    // What it was just taking.
    drop(shared.backlog.drain());
    hand_back(shared, shared.held.abandon());
}

/// Under the old lease: if others have taken the job, this changes nothing.
pub(crate) fn hand_back(shared: &Shared, leases: Vec<Lease>) {
    for lease in leases {
        let end = End::Returned;
        let (is_tied, keeps_history, cause) = (true, true, None);
        shared.unwritten.add(Finished { lease, kind: 0, end, is_tied, keeps_history, cause });
    }
}

/// Waits until everything that has ended is written.
async fn flush(shared: &Shared) {
    let written = async {
        while shared.unwritten.len() > 0 {
            tokio::select! {
                () = shared.held.changed() => {}
                // What it waits for may have come between the look and the wait.
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    };
    if tokio::time::timeout(FLUSH, written).await.is_err() {
        tracing::warn!(
            "{} jobs could not be ended in time; they run again elsewhere",
            shared.unwritten.len()
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
