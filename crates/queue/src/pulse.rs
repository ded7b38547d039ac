//! Says that this process lives; when it cannot say so for too long, it stops its own jobs before others take them.

use std::sync::Arc;

use mindflight_store::jobs::Keeper;
use mindflight_store::signal::Urgency;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::held::Stop;
use crate::queue::Shared;

/// Beats until told to stop; ends earlier when this worker counts as dead, or may by now. It lives `since` it asked
/// to be put on the list.
pub(crate) async fn run(
    shared: &Arc<Shared>,
    (worker, since): (i64, Instant),
    stop: CancellationToken,
) {
    let mut keeper = match shared.jobs.keeper() {
        Ok(keeper) => keeper,
        Err(error) => {
            return tracing::error!(error = %error, "this worker cannot say that it lives: {error}");
        }
    };
    let settings = &shared.settings;
    let mut last = since;
    loop {
        let (began, limit) = (Instant::now(), last + settings.fence_after);
        let beat = tokio::time::timeout_at(limit, beat(shared, &mut keeper, worker)).await;
        let pause = match beat {
            Ok(Ok(true)) => {
                last = began;
                settings.beat
            }
            Ok(Ok(false)) => {
                tracing::error!(
                    worker,
                    "worker {worker} was declared dead; its jobs are stopped here"
                );
                return;
            }
            Ok(Err(error)) => {
                tracing::warn!(worker, error = %error, "worker {worker} could not say that it lives: {error}");
                settings.beat / 4
            }
            Err(_) => {
                let silent = last.elapsed().as_secs_f64();
                tracing::error!(
                    worker,
                    "worker {worker} has been silent for {silent:.1} s; its jobs are stopped"
                );
                return;
            }
        };
        let next = (Instant::now() + pause).min(last + settings.fence_after);
        if stop.run_until_cancelled(tokio::time::sleep_until(next)).await.is_none() {
            return;
        }
    }
}

/// Whether this worker is known; tells those jobs to stop that somebody cancelled.
async fn beat(shared: &Shared, keeper: &mut Keeper, worker: i64) -> mindflight_store::Result<bool> {
    let running = i32::try_from(shared.held.running()).unwrap_or(i32::MAX);
    // Until the claimer has numbered them, those hold that the worker began with.
    let numbers = shared.kinds.numbers();
    let kinds = (!numbers.is_empty()).then_some(&*numbers);
    let beat = keeper.beat(worker, running, kinds).await?;
    for job in beat.cancelled {
        shared.held.stop(job, Stop::Cancelled);
    }
    metrics::gauge!("mindflight_jobs_running").set(f64::from(running));
    let long = shared.held.running_longer(shared.settings.long_after);
    metrics::gauge!("mindflight_jobs_long_running").set(long as f64);
    if long > 0 {
        tell_long_running(shared, keeper).await;
    }
    Ok(beat.is_known)
}

async fn tell_long_running(shared: &Shared, keeper: &mut Keeper) {
    let untold = shared.held.untold(shared.settings.long_after);
    if untold.is_empty() {
        return;
    }
    match keeper.tell_long_running(&untold).await {
        Ok(()) => {
            shared.held.told(&untold);
            shared.signals.published(Urgency::Soon);
        }
        Err(error) => {
            // The next beat tries again.
            tracing::warn!(error = %error, "nobody was told that {} jobs run for long: {error}", untold.len());
        }
    }
}
