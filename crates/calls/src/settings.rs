//! Limits of the pipeline that are the operator's to set.

use std::time::Duration;

/// Limits of the pipeline.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Calls running at the same time on this instance; more are refused with 503 `busy`.
    pub max_running: usize,
    /// No call runs longer, whatever its tool asks for.
    pub max_timeout: Duration,
    /// How long a call waits for a slot of a tool with a concurrency cap.
    pub slot_wait: Duration,
    /// How long a cancelled handler may take to clean up before it is dropped.
    pub grace: Duration,
    /// How long a dropped handler may hold its thread before it is counted as stuck.
    pub stuck_after: Duration,
    /// Failures in a row after which a tool rests.
    pub breaker_failures: usize,
    /// How long it rests.
    pub breaker_rest: Duration,
    /// Bytes of a result, as JSON.
    pub max_result: usize,
    /// Bytes of results kept for tools that allow it; 0 keeps none.
    pub cache_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_running: 1024,
            max_timeout: Duration::from_secs(300),
            slot_wait: Duration::from_secs(5),
            grace: Duration::from_secs(1),
            stuck_after: Duration::from_secs(1),
            breaker_failures: 5,
            breaker_rest: Duration::from_secs(60),
            max_result: 1024 * 1024,
            cache_bytes: 32 * 1024 * 1024,
        }
    }
}
