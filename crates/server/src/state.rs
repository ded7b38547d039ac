//! What every request handler may reach: one value, so that none can be forgotten.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::PrometheusHandle;
use mindflight_calls::Calls;
use mindflight_core::ports::Clock;
use mindflight_events::Log;
use mindflight_queue::Queue;
use mindflight_store::Store;

use crate::auth::Gate;
use crate::config::Config;
use crate::engine::Tasks;
use crate::front::Durations;
use crate::health::Board;
use crate::jobs::JobEngine;
use crate::limit::Limits;
use crate::mounts::Mounts;
use crate::routes::jobs::Schemas;

/// What every request handler may reach.
pub(crate) struct AppState {
    pieces: Pieces,
    draining: AtomicBool,
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
        Self { pieces, draining: AtomicBool::new(false), schemas: Schemas::default() }
    }

    /// Whether the server is on its way down.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// From now on, readiness says no.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}
