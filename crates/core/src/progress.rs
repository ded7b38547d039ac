//! Progress of a call or job, as its caller sees it.

pub use mindflight_api::job::Progress;

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
