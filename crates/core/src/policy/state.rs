//! The states of a job.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Not due yet.
    Scheduled,
    /// Waits for a worker.
    Queued,
    /// Waits for another job, an answer or a limit.
    Blocked,
    /// An attempt is under way.
    Running,
    /// An attempt failed; the next one is not due yet.
    Retrying,
    /// Done.
    Succeeded,
    /// Out of attempts, or not retryable: the dead-letter list.
    Failed,
    /// Someone stopped it.
    Cancelled,
}

impl JobState {
    /// Whether nothing will happen any more unless someone acts.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}
