//! What the server lends to a provider, as objects: authors meet them through their contexts.

mod clock;
mod events;
mod http;
mod jobs;
mod memory;
mod resources;
mod transaction;

use std::sync::Arc;

pub use self::clock::{Clock, SystemClock};
pub use self::events::{Events, MAX_DATA, MAX_ID, NewEvent};
pub use self::http::{Http, RequestLimits};
pub use self::jobs::{EnqueueOptions, Jobs, NewJob, Parent};
pub use self::memory::{Memory, Set, Stored, Written};
pub use self::resources::{Resource, Resources};
pub use self::transaction::{Audit, Lease, Record, Transaction, Transactions};
pub use mindflight_api::job::OnFailure;

/// Every port, as one value to pass on.
#[derive(Clone)]
pub struct Ports {
    /// Keys and values.
    pub memory: Arc<dyn Memory>,
    /// Durable background work.
    pub jobs: Arc<dyn Jobs>,
    /// The event log.
    pub events: Arc<dyn Events>,
    /// Documents.
    pub resources: Arc<dyn Resources>,
    /// The outside world.
    pub http: Arc<dyn Http>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Transactions in which a call is closed.
    pub transactions: Arc<dyn Transactions>,
}

/// A port of a feature that this server was built without: every use is refused with 501 `not_supported`.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotSupported;

impl NotSupported {
    fn refuse<T>(feature: &str) -> crate::Result<T> {
        Err(crate::Error::not_supported(format!("this server has no {feature}")))
    }
}
