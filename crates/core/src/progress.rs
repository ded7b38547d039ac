//! Progress of a call or job, as its caller sees it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Units done.
    pub done: f64,
    /// Units in all, if known.
    pub total: Option<f64>,
    /// What is being done, in a few words.
    pub message: Option<String>,
}

/// Where progress and log lines of one call go. Must not block: slow readers lose steps, never the end.
pub trait Report: Send + Sync {
    /// A step forward.
    fn progress(&self, progress: Progress);

    /// A line for the caller's log.
    fn log(&self, line: &str);
}

/// For calls that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Report for Unwatched {
    fn progress(&self, _: Progress) {}

    fn log(&self, _: &str) {}
}
