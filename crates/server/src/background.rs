//! What runs beside requests: health checks, switches of other instances, clean-up of limits and memory.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::state::AppState;
use crate::supervisor::Supervisor;
use crate::telemetry;

/// How often things that only cost memory or disk are tidied.
const TIDY: Duration = Duration::from_secs(30);

/// Expired memory rows removed at a time; the rest waits for the next round.
const SWEEP: u32 = 1000;

/// How often the meters are kept from growing.
const METERS: Duration = Duration::from_secs(5);

/// Starts every background task.
pub(crate) fn start(state: &Arc<AppState>) -> Supervisor {
    let supervisor = Supervisor::new(state.tasks.runtime());
    let shared = state.clone();
    supervisor.run("health", move |stop| shared.health.clone().run(shared.clone(), stop));
    let (jobs, queue) = (state.jobs.clone(), state.queue.clone());
    // It ends by its own token, before everything else.
    supervisor.run("jobs", move |_| jobs.clone().run(queue.clone()));
    let queue = state.queue.clone();
    supervisor.run("job writer", move |stop| {
        let queue = queue.clone();
        async move { stop.run_until_cancelled(queue.write()).await.unwrap_or_default() }
    });
    let (log, queue) = (state.log.clone(), state.queue.clone());
    supervisor.run("events", move |stop| {
        let (log, queue) = (log.clone(), queue.clone());
        async move { log.run(move |signal| queue.heard(signal), stop).await }
    });
    let mounts = state.mounts.clone();
    supervisor.run("provider health", move |stop| mounts.clone().watch_health(stop));
    let mounts = state.mounts.clone();
    supervisor.run("provider switches", move |stop| mounts.clone().follow(stop));
    let shared = state.clone();
    supervisor.run("tidy", move |stop| tidy(shared.clone(), stop));
    let shared = state.clone();
    supervisor.run("meters", move |stop| {
        let state = shared.clone();
        async move { every(METERS, stop, || async { telemetry::upkeep(&state.metrics) }).await }
    });
    supervisor
}

async fn tidy(state: Arc<AppState>, stop: CancellationToken) {
    every(TIDY, stop, || async {
        state.limits.forget_idle();
        state.gate.forget_idle();
        state.gate.flush_last_used().await;
        if let Err(error) = state.store.memory().sweep(SWEEP).await {
            tracing::debug!(error = %error, "expired memory was not removed: {error}");
        }
    })
    .await;
}

/// Does `work` every `interval` until the server stops.
async fn every<F, W>(interval: Duration, stop: CancellationToken, work: F)
where
    F: Fn() -> W + Send,
    W: Future<Output = ()> + Send,
{
    while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
        work().await;
    }
}
