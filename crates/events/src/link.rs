//! The one LISTEN connection of the process.

use std::sync::Arc;

use mindflight_store::signal::Signal;
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::log::Shared;

/// The one LISTEN connection of the process.
pub(crate) struct Link {}

impl Link {
    pub(crate) fn new(_settings: &Settings) -> Self {
        Self {}
    }

    /// Whether hints of other processes arrive.
    pub(crate) fn is_up(&self) -> bool {
        false
    }

    /// Tells the other processes.
    pub(crate) fn send(&self, _signal: Signal) {}

    /// Tells the other processes how far the log is.
    pub(crate) fn ticked(&self, _head: u64) {}

    /// Connects, listens and sends until told to stop.
    pub(crate) async fn run(
        &self,
        _shared: &Arc<Shared>,
        _hear: &(impl Fn(Signal) + Send + Sync),
        stop: CancellationToken,
    ) {
        stop.cancelled().await;
    }
}
