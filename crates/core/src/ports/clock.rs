//! What time it is, so that tests can say it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::BoxFuture;

/// What time it is.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> DateTime<Utc>;

    /// Ends when `wait` has passed on this clock.
    fn sleep(&self, wait: Duration) -> BoxFuture<()>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else uses")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<()> {
        Box::pin(tokio::time::sleep(wait))
    }
}
