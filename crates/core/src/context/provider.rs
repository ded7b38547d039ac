//! What a provider has from its building to its end, and what every call's context is made from.

use std::sync::Arc;

use tokio::sync::watch;

use super::facades::{Events, Jobs, Memory};
use super::http::Http;
use crate::ports::Ports;

/// What a provider may touch outside of calls: while it is built, and in clients of its own.
#[derive(Clone)]
pub struct ProviderContext(Arc<Inner>);

/// Behind one pointer, because every call has a copy.
struct Inner {
    name: String,
    space: String,
    ports: Ports,
    surface: watch::Sender<u64>,
}

impl ProviderContext {
    /// The context of the provider that is mounted as `name`; for whoever builds providers.
    #[must_use]
    pub fn new(name: &str, ports: Ports) -> Self {
        let (name, space) = (name.to_owned(), format!("provider:{name}"));
        Self(Arc::new(Inner { name, space, ports, surface: watch::Sender::new(0) }))
    }

    /// The mounted name: tool prefix, URL segment, memory space.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The provider's memory.
    #[must_use]
    pub fn memory(&self) -> Memory<'_> {
        Memory::new(&*self.0.ports.memory, self.space())
    }

    /// The job queue.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs::new(&*self.0.ports.jobs, &self.0.name)
    }

    /// The event log.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events::new(&*self.0.ports.events, &self.0.name)
    }

    /// The outside world.
    #[must_use]
    pub fn http(&self) -> Http<'_> {
        Http::new(&*self.0.ports.http, false)
    }

    /// What time it is.
    #[must_use]
    pub fn clock(&self) -> &dyn crate::ports::Clock {
        &*self.0.ports.clock
    }

    /// Says that tools, routes, jobs or subscriptions are others now: the server reads them again.
    pub fn surface_changed(&self) {
        self.0.surface.send_modify(|version| *version += 1);
    }

    /// Hears of [`surface_changed`](Self::surface_changed); for whoever mounts providers.
    #[must_use]
    pub fn surface(&self) -> watch::Receiver<u64> {
        self.0.surface.subscribe()
    }

    pub(crate) fn space(&self) -> &str {
        &self.0.space
    }

    pub(super) fn ports(&self) -> &Ports {
        &self.0.ports
    }
}
