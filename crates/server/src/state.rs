//! What every request handler may reach: one value, so that none can be forgotten.

use std::ops::Deref;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use mindflight_calls::Calls;
use mindflight_core::ports::Clock;
use mindflight_events::Log;
use mindflight_queue::Queue;
use mindflight_store::Store;
use tokio_util::sync::CancellationToken;

use crate::auth::Gate;
use crate::config::Config;
use crate::engine::Tasks;
use crate::front::Durations;
use crate::health::Board;
use crate::jobs::JobEngine;
use crate::limit::Limits;
use crate::mounts::Mounts;
use crate::routes::jobs::Schemas;
use crate::streams::Streams;

/// What every request handler may reach.
pub(crate) struct AppState {
    pieces: Pieces,
    draining: CancellationToken,
    /// Answers that go on until somebody ends them.
    pub(crate) streams: Streams,
    /// Of kinds that were asked for.
    pub(crate) schemas: Schemas,
}

/// What [`AppState`] is made of.
pub(crate) struct Pieces {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Work that touches the database runs there.
    pub(crate) tasks: Tasks,
    pub(crate) store: Store,
    pub(crate) gate: Gate,
    pub(crate) limits: Limits,
    pub(crate) calls: Calls,
    pub(crate) queue: Queue,
    pub(crate) log: Log,
    pub(crate) jobs: JobEngine,
    pub(crate) mounts: Mounts,
    pub(crate) health: Board,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) durations: Durations,
}

impl Deref for AppState {
    type Target = Pieces;

    fn deref(&self) -> &Pieces {
        &self.pieces
    }
}

impl AppState {
    pub(crate) fn new(pieces: Pieces) -> Self {
        let streams = Streams::new(pieces.config.events.max_streams);
        let (draining, schemas) = Default::default();
        Self { pieces, draining, streams, schemas }
    }

    /// Whether the server is on its way down.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Cancelled when the server begins to go down: whatever goes on without an end, ends then.
    pub(crate) fn draining(&self) -> CancellationToken {
        self.draining.clone()
    }

    /// From now on, readiness says no, and streams end.
    pub(crate) fn drain(&self) {
        self.draining.cancel();
    }
}
