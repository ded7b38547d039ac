//! The measured kind: its arguments are those of the other drivers, and its handler does what theirs do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mindflight_core::{Context, JobArgs, Jobs, Provider, ProviderContext, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::monotonic;

/// The provider, and so the queue.
pub(super) const PROVIDER: &str = "bench";

/// About 100 bytes of arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Job {
    /// When its call began; 0 if nobody wants to know how long it took.
    t: u64,
    user: u32,
    action: String,
    template: String,
    lang: String,
    tag: String,
}

impl JobArgs for Job {
    const KIND: &'static str = "job";
}

impl Job {
    pub(super) fn begun(t: u64) -> Self {
        Self {
            t,
            user: 12_345,
            action: "send_mail".to_owned(),
            template: "welcome".to_owned(),
            lang: "en".to_owned(),
            tag: "abcdefghij".to_owned(),
        }
    }
}

/// What this process has run.
pub(super) static SEEN: Seen = Seen {
    ended: AtomicU64::new(0),
    has_begun: AtomicBool::new(false),
    latencies: Mutex::new(Vec::new()),
};

/// Jobs that were run.
pub(super) struct Seen {
    ended: AtomicU64,
    has_begun: AtomicBool,
    /// Milliseconds from before the call that made a job to its handler's start.
    latencies: Mutex<Vec<f64>>,
}

impl Seen {
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// One number a line.
    pub(super) fn latencies(&self) -> String {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        latencies.iter().map(|latency| format!("{latency}\n")).collect()
    }

    fn handle(&self, job: &Job) {
        if !self.has_begun.load(Ordering::Relaxed) && !self.has_begun.swap(true, Ordering::Relaxed)
        {
            println!("F {}", monotonic::now());
        }
        if job.t > 0 {
            let took = monotonic::now().saturating_sub(job.t) as f64 / 1e3;
            self.latencies.lock().unwrap_or_else(PoisonError::into_inner).push(took);
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The provider of that kind.
pub(super) struct Bench;

/// It has no settings.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {}

impl Provider for Bench {
    const ID: &'static str = PROVIDER;
    type Config = Config;

    async fn build(Config {}: Config, _: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn jobs(&self, jobs: &mut Jobs<Self>) {
        jobs.add(Self::job);
    }
}

impl Bench {
    #[expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]
    async fn job(self: Arc<Self>, _: Context, job: Job) -> Result<()> {
        SEEN.handle(&job);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_counts_when_it_was_run_and_has_a_latency_when_somebody_asked() {
        let seen = Seen {
            ended: AtomicU64::new(0),
            has_begun: AtomicBool::new(true),
            latencies: Mutex::default(),
        };
        seen.handle(&Job::begun(0));
        assert_eq!((seen.ended(), seen.latencies()), (1, String::new()));
        seen.handle(&Job::begun(monotonic::now()));
        assert_eq!((seen.ended(), seen.latencies().lines().count()), (2, 1));
    }

    #[test]
    fn the_arguments_are_as_long_as_those_of_the_others() {
        let text = serde_json::to_string(&Job::begun(123_456_789_012)).unwrap();
        assert!((90..130).contains(&text.len()), "{} bytes: {text}", text.len());
    }
}
