//! What processes tell each other so that nobody has to wait for a poll: hints, sent after a commit, never the truth.

use mindflight_api::JobId;

/// What a hint is about; each is a channel of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Jobs that wait or come due.
    Jobs,
    /// Events that were published.
    Events,
    /// What running jobs are told.
    Control,
}

/// A hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// These queues have jobs.
    Ready(Vec<i16>),
    /// A job was made that comes due later.
    Scheduled,
    /// A queue has other limits than before.
    Limits,
    /// Somebody wants this job to be stopped.
    Cancel(JobId),
}

impl Signal {
    /// What it is about.
    #[must_use]
    pub const fn topic(&self) -> Topic {
        match self {
            Self::Ready(_) | Self::Scheduled | Self::Limits => Topic::Jobs,
            Self::Cancel(_) => Topic::Control,
        }
    }
}

/// How soon what was published has to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// When there is more to see: somebody counts many.
    Soon,
    /// As soon as it can be.
    Now,
}

/// Carries hints to the other processes. It must not block; what it loses, polling finds.
pub trait Signals: Send + Sync {
    /// Sends a hint to the other processes.
    fn send(&self, signal: Signal);

    /// Says that events were committed.
    fn published(&self, urgency: Urgency);
}

/// For a process that nobody listens to: the others poll.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Signals for Silent {
    fn send(&self, _: Signal) {}

    fn published(&self, _: Urgency) {}
}
