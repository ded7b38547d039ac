//! What running jobs say, on its way to whoever writes it down.

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_api::job::Progress;
use mindflight_core::ports::Lease;

/// What a running job said.
pub(crate) enum Said {
    /// How far an attempt is.
    Progress(Lease, Progress),
    /// A line of an attempt: job, attempt, time, text.
    Line(JobId, u32, DateTime<Utc>, String),
}
