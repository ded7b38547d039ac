//! The job engine as the server runs it: its settings, its tools, its beginning and its end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mindflight_api::RequestId;
use mindflight_calls::{CallRequest, Calls};
use mindflight_core::caller::Origin;
use mindflight_core::jobs::Options;
use mindflight_core::{BoxFuture, Result};
use mindflight_queue::{BackoffOverride, KindOverride, Queue, Settings, ToolAttempt, Tools};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, KindSection};

/// Attempts at a tool call that may be repeated.
const ATTEMPTS: u32 = 3;

/// What is left beyond the grace for jobs to be told to stop, and for their ends to be written.
const LAST: Duration = Duration::from_secs(8);

/// The engine's settings, from the configuration.
pub(crate) fn settings(config: &Config) -> Settings {
    let jobs = &config.jobs;
    let defaults = Settings::default();
    Settings {
        workers: jobs.workers.unwrap_or(defaults.workers),
        prefetch: jobs.prefetch,
        beat: jobs.beat.0,
        fence_after: jobs.fence_after.0,
        dead_after: jobs.dead_after.0,
        scan: jobs.scan.0,
        repair: jobs.repair.0,
        poll_min: defaults.poll_min.min(jobs.poll.0),
        poll_max: jobs.poll.0,
        crash_budget: jobs.crash_budget,
        isolation: jobs.isolation.0,
        grace: jobs.grace.0,
        long_after: jobs.long_after.0,
        retention: jobs.retention.0,
        without_history: jobs.without_history.iter().cloned().collect(),
        kinds: jobs.kinds.iter().map(|(name, kind)| (name.clone(), said_of(kind))).collect(),
        holder: config.server.data_dir.as_deref().map(holder),
        host: host(),
        ..defaults
    }
}

/// What is said of a kind.
fn said_of(kind: &KindSection) -> KindOverride {
    let backoff = kind.backoff.as_ref().map(|backoff| BackoffOverride {
        initial: backoff.initial.map(|span| span.0),
        factor: backoff.factor,
        max: backoff.max.map(|span| span.0),
        jitter: backoff.jitter,
        steps: backoff.steps.as_ref().map(|steps| steps.iter().map(|span| span.0).collect()),
    });
    KindOverride {
        priority: kind.priority,
        max_attempts: kind.max_attempts,
        backoff,
        deadline: kind.deadline.map(|span| span.0),
        concurrency: kind.concurrency,
        rate: kind.rate,
    }
}

/// The data folder, which is locked while the server runs: whoever holds it next knows that this one is gone.
fn holder(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    format!("{}:{}", host(), dir.display())
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Tool calls that became jobs, through the pipeline that all calls go through.
pub(crate) struct CallTools(pub(crate) Calls);

impl Tools for CallTools {
    fn list(&self) -> Vec<(String, String, Options)> {
        let catalog = self.0.catalog();
        let listed = catalog.entries().iter().map(|entry| {
            let tool = entry.listed();
            let marks = &tool.annotations;
            let mut options = Options::default();
            let may_repeat = marks.read_only || marks.idempotent || marks.transactional;
            // Nobody knows how far a call came whose worker died; only those that do no harm run again.
            options.max_attempts = if may_repeat { ATTEMPTS } else { 1 };
            options.deadline =
                Duration::from_millis(marks.timeout_ms) + self.0.settings().slot_wait;
            options.transactional = marks.transactional;
            (tool.name.clone(), tool.provider.clone(), options)
        });
        listed.collect()
    }

    fn run(&self, attempt: ToolAttempt) -> BoxFuture<Result<Value>> {
        let calls = self.0.clone();
        Box::pin(async move {
            let ToolAttempt { tool, arguments, caller, lease, cancelled, report } = attempt;
            let origin = Origin { request: RequestId::from(lease.job.uuid()), ip: None };
            let idempotency_key = Some(lease.job.to_string());
            let lease = Some(lease);
            let request =
                CallRequest { tool, arguments, caller, origin, idempotency_key, report, lease };
            // Dropping the call tells its tool to stop.
            match cancelled.run_until_cancelled(calls.call(request)).await {
                Some(result) => result,
                None => Err(mindflight_core::Error::of(
                    mindflight_api::codes::JOB_CANCELLED,
                    "the call was told to stop",
                )),
            }
        })
    }
}

/// The engine's beginning and end. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct JobEngine(Arc<Tokens>);

#[derive(Default)]
struct Tokens {
    stop: CancellationToken,
    hurry: CancellationToken,
    ended: CancellationToken,
}

impl JobEngine {
    /// Runs the engine until [`stop`](Self::stop).
    pub(crate) async fn run(self, queue: Queue) {
        if queue.settings().workers > 0 {
            queue.run(self.0.stop.clone(), self.0.hurry.clone()).await;
        }
        self.0.ended.cancel();
    }

    /// No job is started any more; those that run have their grace.
    pub(crate) fn stop(&self) {
        self.0.stop.cancel();
    }

    /// The grace is over.
    pub(crate) fn hurry(&self) {
        self.0.hurry.cancel();
    }

    /// Ends when the engine has ended, or has taken too long to.
    pub(crate) async fn ended(&self, grace: Duration) {
        if tokio::time::timeout(grace + LAST, self.0.ended.cancelled()).await.is_err() {
            tracing::warn!("the job engine did not end in time");
        }
    }
}
