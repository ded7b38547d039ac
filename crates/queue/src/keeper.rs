//! What has to happen whether or not anybody asks: jobs come due, the dead are found, schedules fire, old jobs go.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::codes;
use mindflight_core::Error;
use mindflight_store::jobs::{Crash, Keeper, Rescued};
use mindflight_store::signal::{Signal, Urgency};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::attempt::jittered;
use crate::error::as_job_error;
use crate::queue::Shared;
use crate::schedules::Schedules;

/// Jobs that are made due in one go.
const DUE: i64 = 5000;

/// Keeps house until told to stop.
pub(crate) async fn run(shared: &Arc<Shared>, stop: CancellationToken) {
    let mut keeper = match shared.jobs.keeper() {
        Ok(keeper) => keeper,
        Err(error) => {
            return tracing::error!(error = %error, "nobody looks after the jobs: {error}");
        }
    };
    let settings = &shared.settings;
    let now = Instant::now();
    let mut times = Times {
        due: now,
        // Whoever has just come, or was away, lets the others say first that they live.
        scan: now + settings.beat * 2,
        schedules: now,
        house: now,
    };
    let mut schedules = Schedules::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(times.next()) => {}
            () = shared.due.notified() => times.due = Instant::now(),
        }
        let now = Instant::now();
        if times.due <= now {
            times.due = now + promote(shared, &mut keeper).await;
        }
        if times.scan <= now {
            times.scan = now + scan(shared, &mut keeper).await;
        }
        if times.schedules <= now {
            times.schedules = now + schedules.run(shared, &mut keeper).await;
        }
        if times.house <= now {
            times.house = now + house(shared, &mut keeper).await;
        }
    }
}

/// When each part is next looked at.
struct Times {
    due: Instant,
    scan: Instant,
    schedules: Instant,
    house: Instant,
}

impl Times {
    fn next(&self) -> Instant {
        self.due.min(self.scan).min(self.schedules).min(self.house)
    }
}

/// Makes due what is due; how long to wait until the next look.
async fn promote(shared: &Shared, keeper: &mut Keeper) -> Duration {
    let idle = shared.settings.due_poll;
    match keeper.promote(DUE).await {
        Ok(promoted) => {
            shared.wake.add(&promoted.queues);
            if promoted.count > 0 {
                shared.signals.send(Signal::Ready(promoted.queues));
            }
            // A millisecond more, or the timer could fire just too early for the database's clock. What is due and
            // was not to be had is somebody else's for a moment.
            let least = match promoted.count {
                0 => shared.settings.poll_min,
                _ => Duration::from_millis(1),
            };
            promoted
                .next
                .map_or(idle, |next| (next + Duration::from_millis(1)).max(least).min(idle))
        }
        Err(error) => {
            tracing::warn!(error = %error, "jobs that are due could not be looked for: {error}");
            idle
        }
    }
}

/// Finds the dead; how long to wait until the next look.
async fn scan(shared: &Shared, keeper: &mut Keeper) -> Duration {
    let settings = &shared.settings;
    match keeper.rescue(settings.dead_after, &crash(shared)).await {
        Ok(rescued) => tell(shared, &rescued),
        Err(error) => {
            tracing::warn!(error = %error, "dead workers could not be looked for: {error}");
            // The database was away: also for the others, who may have to come back first.
            return settings.beat * 2;
        }
    }
    jittered(settings.scan)
}

/// Says what a rescue came to, and wakes whoever can run the jobs.
pub(crate) fn tell(shared: &Shared, rescued: &Rescued) {
    if !rescued.workers.is_empty() || rescued.again + rescued.ended > 0 {
        metrics::counter!("mindflight_jobs_rescued_total").increment(rescued.again as u64);
        tracing::warn!(
            workers = ?rescued.workers,
            "workers {:?} are dead; {} of their jobs run again, {} have ended",
            rescued.workers, rescued.again, rescued.ended,
        );
    }
    if rescued.ended > 0 {
        shared.signals.published(Urgency::Soon);
    }
    shared.wake.add(&rescued.queues);
    if !rescued.queues.is_empty() {
        shared.signals.send(Signal::Ready(rescued.queues.clone()));
    }
}

pub(crate) fn crash(shared: &Shared) -> Crash {
    let lost = Error::of(codes::WORKER_LOST, "the worker died while the job ran");
    let cancelled = Error::of(codes::JOB_CANCELLED, "the job was cancelled, and its worker died");
    Crash {
        budget: shared.settings.crash_budget,
        lost: as_job_error(&lost),
        cancelled: as_job_error(&cancelled),
    }
}

/// Makes and drops partitions; how long to wait until the next time.
async fn house(shared: &Shared, keeper: &mut Keeper) -> Duration {
    let now = shared.clock.now();
    let keep_since = now - shared.settings.retention;
    match keeper.partitions(now, keep_since).await {
        Ok(done) if !done.dropped.is_empty() => {
            tracing::info!(days = ?done.dropped, "jobs of {} days were dropped", done.dropped.len());
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(error = %error, "partitions could not be kept in order: {error}");
        }
    }
    jittered(shared.settings.housekeeping)
}
