//! What a provider has from its building to its end, and what every call's context is made from.

use std::sync::Arc;

use tokio::sync::watch;

use super::facades::{Events, Http, Jobs, Memory};
use crate::ports::Ports;

/// What a provider may touch outside of calls: while it is built, and in clients of its own.
#[derive(Clone)]
pub struct ProviderContext {
    name: Arc<str>,
    pub(super) ports: Ports,
    surface: watch::Sender<u64>,
}

impl ProviderContext {
    /// The context of the provider that is mounted as `name`; for whoever builds providers.
    #[must_use]
    pub fn new(name: &str, ports: Ports) -> Self {
        Self { name: name.into(), ports, surface: watch::Sender::new(0) }
    }

    /// The mounted name: tool prefix, URL segment, memory space.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The provider's memory.
    #[must_use]
    pub fn memory(&self) -> Memory<'_> {
        Memory::new(&*self.ports.memory, self.space())
    }

    /// The job queue.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs::new(&*self.ports.jobs, &self.name)
    }

    /// The event log.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events::new(&*self.ports.events, &self.name)
    }

    /// The outside world.
    #[must_use]
    pub fn http(&self) -> Http<'_> {
        Http::new(&*self.ports.http, false)
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> &dyn crate::ports::Clock {
        &*self.ports.clock
    }

    /// Says that tools, routes, jobs or subscriptions are others now: the server reads them again.
    pub fn surface_changed(&self) {
        self.surface.send_modify(|version| *version += 1);
    }

    /// Hears of [`surface_changed`](Self::surface_changed); for whoever mounts providers.
    #[must_use]
    pub fn surface(&self) -> watch::Receiver<u64> {
        self.surface.subscribe()
    }

    pub(crate) fn space(&self) -> String {
        format!("provider:{}", self.name)
    }
}
