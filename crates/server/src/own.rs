//! What the server itself brings, as a provider does: kinds of jobs that need more than a provider is given.

mod bulk;

use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{Audit as _, Ports, Record};
use mindflight_core::registry::OWN_NAME;
use mindflight_core::{Error, Jobs, Provider, ProviderContext, Result};
use mindflight_queue::Queue;
use mindflight_store::Store;

pub(crate) use self::bulk::{KIND as BULK, act};

/// What the server itself brings.
struct Own {
    store: Store,
    queue: Queue,
}

/// It has a name that no provider can have, and is in no registry.
pub(crate) fn mounted(ports: &Ports, store: &Store, queue: &Queue) -> Mounted {
    let own = Own { store: store.clone(), queue: queue.clone() };
    Mounted::new(own, ProviderContext::new(OWN_NAME, ports.clone()))
}

impl Provider for Own {
    const ID: &'static str = OWN_NAME;
    type Config = ();

    async fn build((): (), _: ProviderContext) -> Result<Self> {
        Err(Error::failed("the server makes this one by itself"))
    }

    fn jobs(&self, jobs: &mut Jobs<Self>) {
        jobs.add(bulk::run).as_caller().deadline(bulk::DEADLINE).tag("bulk");
    }
}

impl Own {
    async fn audit(&self, record: Record) -> Result<()> {
        self.store.audit().write(record).await
    }
}
