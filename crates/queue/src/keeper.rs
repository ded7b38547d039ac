//! What has to happen whether or not anybody asks: jobs come due, the dead are found, schedules fire, old jobs go.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::codes;
use mindflight_core::Error;
use mindflight_store::jobs::{Crash, Keeper, Kept, Marks, Rescued};
use mindflight_store::signal::{Signal, Urgency};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::attempt::jittered;
use crate::error::as_job_error;
use crate::queue::Shared;
use crate::schedules::Schedules;

/// Jobs that are made due in one go.
const DUE: i64 = 5000;

/// How often in a row old failures are forgotten.
const SWEEPS: u32 = 20;

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
        expiry: now,
    };
    let mut schedules = Schedules::default();
    let mut expiry = Expiry::default();
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
            times.house = now + house(shared, &mut keeper, &mut expiry).await;
            times.expiry = now;
        }
        if times.expiry <= now {
            times.expiry = Instant::now() + expiry.step(shared, &mut keeper).await;
        }
    }
}

/// When each part is next looked at.
struct Times {
    due: Instant,
    scan: Instant,
    schedules: Instant,
    house: Instant,
    expiry: Instant,
}

impl Times {
    fn next(&self) -> Instant {
        self.due.min(self.scan).min(self.schedules).min(self.house).min(self.expiry)
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

/// Makes and drops partitions, and forgets old failures; how long to wait until the next time.
async fn house(shared: &Shared, keeper: &mut Keeper, expiry: &mut Expiry) -> Duration {
    let pause = jittered(shared.settings.housekeeping);
    let read = async {
        // Not this process's clock: one that is wrong would drop what others still keep.
        let now = keeper.now().await?;
        Ok::<_, mindflight_store::Error>((now, keeper.kept(shared.settings.retention).await?))
    };
    let now = match read.await {
        Ok((now, kept)) => {
            expiry.kept = kept;
            now
        }
        Err(error) => {
            tracing::warn!(error = %error, "how long queues keep their jobs could not be read: {error}");
            return pause;
        }
    };
    let keep_since = expiry.kept.since(now).unwrap_or_default();
    match keeper.partitions(now, keep_since).await {
        Ok(done) if !done.dropped.is_empty() => {
            tracing::info!(days = ?done.dropped, "jobs of {} days were dropped", done.dropped.len());
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(error = %error, "partitions could not be kept in order: {error}");
        }
    }
    if let Err(error) = keeper.sweep_keys().await {
        tracing::warn!(error = %error, "unique keys whose time is over could not be removed: {error}");
    }
    forget_errors(keeper, keep_since).await;
    pause
}

/// Some at a time; what is left is for the next time.
async fn forget_errors(keeper: &mut Keeper, keep_since: DateTime<Utc>) {
    for _ in 0..SWEEPS {
        match keeper.forget_errors(keep_since).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                return tracing::warn!(error = %error, "old failures could not be forgotten: {error}");
            }
        }
    }
}

/// How long one step may take, and the pause after it: everything else that is due comes in between.
const STEP: Duration = Duration::from_millis(100);

/// Ended jobs of queues that keep them for a shorter time than others.
#[derive(Default)]
struct Expiry {
    kept: Kept,
    marks: Marks,
    deleted: u64,
}

impl Expiry {
    /// Deletes some; how long to wait until the next step.
    async fn step(&mut self, shared: &Shared, keeper: &mut Keeper) -> Duration {
        let end = Instant::now() + STEP;
        loop {
            let expired = async {
                let now = keeper.now().await?;
                keeper.expire(now, &self.kept, &mut self.marks).await
            };
            match expired.await {
                Ok(expired) => {
                    self.deleted += expired.deleted;
                    if expired.more && Instant::now() < end {
                        continue;
                    }
                    if expired.more {
                        return STEP;
                    }
                }
                Err(error) => {
                    tracing::warn!(error = %error, "old jobs could not be deleted: {error}");
                }
            }
            if self.deleted > 0 {
                tracing::info!(deleted = self.deleted, "{} old jobs were deleted", self.deleted);
                self.deleted = 0;
            }
            // Whoever keeps house looks at the queues again, and then at their jobs.
            return shared.settings.housekeeping * 2;
        }
    }
}
