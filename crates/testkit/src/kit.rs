//! The kit: one provider, built and mounted as a server would, in a world made for one test.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Method;
use mindflight_api::tool::Tool;
use mindflight_calls::{CallRequest, Calls, Catalog, Settings};
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{NotSupported, Ports, Record};
use mindflight_core::progress::Progress;
use mindflight_core::{Caller, Error, Factory, Provider, ProviderContext, Result};
use serde_json::Value;
use tokio::runtime::Handle;

use crate::clock::Clock;
use crate::events::Published;
use crate::facts;
use crate::jobs::Enqueued;
use crate::memory::Remembered;
use crate::outside::Outside;
use crate::reply::Reply;
use crate::request::RequestBuilder;
use crate::running::Running;
use crate::store::Store;
use crate::watch::{Lines, Watch};
use crate::webhook::Delivery;
use crate::wire::Wire;

/// A provider, built and mounted under its id, in a world made for one test: calls go through the server's own
/// pipeline, and every port is in memory.
pub struct Kit<P> {
    pub(crate) world: World,
    pub(crate) mounted: Mounted,
    pub(crate) calls: Calls,
    /// The version of the surface that the catalog was made from.
    seen: AtomicU64,
    provider: PhantomData<fn() -> P>,
}

/// A world without its provider: for what must be there before the provider is built.
pub struct Prepared<P> {
    world: World,
    provider: PhantomData<fn() -> P>,
}

pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) outside: Outside,
    pub(crate) lines: Lines,
}

impl<P: Provider> Prepared<P> {
    /// The outside world, to script what the provider asks while it is built.
    #[must_use]
    pub fn http(&self) -> &Outside {
        &self.world.outside
    }

    /// The provider's memory, to put there what an earlier run left.
    #[must_use]
    pub fn memory(&self) -> Remembered<'_> {
        self.world.memory(P::ID)
    }

    /// Builds the provider from this configuration.
    ///
    /// # Errors
    /// What the provider's `build` says, or what is wrong with the configuration.
    pub async fn build(self, config: Value) -> Result<Kit<P>> {
        let context = ProviderContext::new(P::ID, self.world.ports());
        let mounted = Factory::of::<P>().build(config, context).await?;
        // The breaker rests in real time, and a test that provokes failures wants each of them.
        let settings = Settings { breaker_failures: 1000, ..Settings::default() };
        let seen = AtomicU64::new(*mounted.context().surface().borrow());
        let catalog = Catalog::build([&mounted], &settings)
            .map_err(|error| Error::failed(error.to_string()))?;
        let audit = Arc::new(self.world.store.clone());
        let calls = Calls::new(Handle::current(), audit, settings);
        calls.replace(catalog);
        let kit = Kit { world: self.world, mounted, calls, seen, provider: PhantomData };
        kit.kinds();
        Ok(kit)
    }
}

/// Making one.
impl<P: Provider> Kit<P> {
    /// Builds the provider from this configuration.
    ///
    /// # Panics
    /// If it cannot be built; see [`try_new`](Self::try_new).
    pub async fn new(config: Value) -> Self {
        match Self::try_new(config).await {
            Ok(kit) => kit,
            Err(error) => panic!("`{}` cannot be built: {error:?}", P::ID),
        }
    }

    /// Builds the provider from this configuration.
    ///
    /// # Errors
    /// What the provider's `build` says, or what is wrong with the configuration.
    pub async fn try_new(config: Value) -> Result<Self> {
        Self::prepare().build(config).await
    }

    /// A world whose provider is built later.
    #[must_use]
    #[track_caller]
    pub fn prepare() -> Prepared<P> {
        Prepared { world: World::new(), provider: PhantomData }
    }
}

/// Calling tools.
impl<P: Provider> Kit<P> {
    /// Calls a tool, by its own name or by the wire's, with every right.
    pub async fn call(&self, tool: &str, arguments: Value) -> Reply {
        self.call_by(facts::caller(&["admin"]), tool, arguments).await
    }

    /// Calls a tool with these scopes and no other.
    ///
    /// # Panics
    /// If a scope is none.
    pub async fn call_as(&self, scopes: &[&str], tool: &str, arguments: Value) -> Reply {
        self.call_by(facts::caller(scopes), tool, arguments).await
    }

    /// Starts a call, and comes back when the tool waits for something or has ended.
    pub async fn start(&self, tool: &str, arguments: Value) -> Running {
        let caller = facts::caller(&["admin"]);
        let task = Handle::current().spawn(self.call_by(caller, tool, arguments));
        let clock = self.world.clock.clone();
        clock.settle().await;
        Running { task, clock }
    }

    fn call_by(
        &self,
        caller: Caller,
        tool: &str,
        arguments: Value,
    ) -> impl Future<Output = Reply> + Send + use<P> {
        let lines = Lines::default();
        let request = CallRequest {
            tool: self.wire_name(tool),
            arguments,
            caller,
            origin: facts::origin(),
            idempotency_key: None,
            lease: None,
            report: Arc::new(Watch { call: lines.clone(), all: self.world.lines.clone() }),
        };
        let calls = self.calls.clone();
        async move {
            let result = calls.call(request).await;
            // A failed call does not wait for its audit row; whoever reads the log next should find it.
            tokio::task::yield_now().await;
            Reply::new(result, lines)
        }
    }

    fn wire_name(&self, tool: &str) -> String {
        let whole = format!("{}_{tool}", P::ID);
        match self.catalog().get(&whole) {
            Ok(_) => whole,
            Err(_) => tool.to_owned(),
        }
    }

    /// The tools that there are now, read again after the provider said that there are others.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        let version = *self.mounted.context().surface().borrow();
        if self.seen.swap(version, Ordering::Relaxed) != version {
            match Catalog::build([&self.mounted], self.calls.settings()) {
                Ok(catalog) => self.calls.replace(catalog),
                Err(error) => panic!("the changed tools cannot be served: {error}"),
            }
            self.kinds();
        }
        self.calls.catalog()
    }

    /// The tools as they are listed.
    #[must_use]
    pub fn tools(&self) -> Vec<Tool> {
        let catalog = self.catalog();
        let entries = catalog.entries().iter();
        entries.map(|entry| entry.listed().clone()).collect()
    }
}

/// Calling routes.
impl<P: Provider> Kit<P> {
    /// A request to a route, by its path below `/providers/{name}`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder<'_, P> {
        RequestBuilder::new(self, method, path)
    }

    /// A delivery to an incoming webhook, by its path.
    pub fn webhook(&self, path: &str) -> Delivery<'_, P> {
        Delivery::new(self, path)
    }

    /// What the provider's `health` says.
    ///
    /// # Errors
    /// Whatever it says.
    pub async fn health(&self) -> Result<()> {
        self.mounted.health().await
    }
}

/// Looking at the world.
impl<P: Provider> Kit<P> {
    /// The outside world.
    #[must_use]
    pub fn http(&self) -> &Outside {
        &self.world.outside
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.world.clock
    }

    /// The provider's memory.
    #[must_use]
    pub fn memory(&self) -> Remembered<'_> {
        self.world.memory(P::ID)
    }

    /// Jobs that were asked for.
    #[must_use]
    pub fn jobs(&self) -> Enqueued<'_> {
        Enqueued { store: &self.world.store, provider: P::ID }
    }

    /// Events that the provider published.
    #[must_use]
    pub fn events(&self) -> Published<'_> {
        let store = &self.world.store;
        Published { store }
    }

    /// What all calls reported so far.
    #[must_use]
    pub fn progress(&self) -> Vec<Progress> {
        self.world.lines.progress()
    }

    /// What all calls wrote into their callers' logs.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.world.lines.log()
    }

    /// The rows of the audit log: calls of tools that are not `read_only`.
    #[must_use]
    pub fn audit(&self) -> Vec<Record> {
        self.world.store.state().audit.clone()
    }
}

impl World {
    #[track_caller]
    fn new() -> Self {
        let clock = Clock::take();
        let wire = Wire::default();
        let store = Store::new(clock.clone(), wire.clone());
        let (outside, lines) = (Outside::new(wire), Lines::default());
        Self { clock, store, outside, lines }
    }

    fn ports(&self) -> Ports {
        let store = Arc::new(self.store.clone());
        Ports {
            memory: store.clone(),
            jobs: store.clone(),
            events: store.clone(),
            resources: Arc::new(NotSupported),
            http: Arc::new(self.outside.clone()),
            clock: Arc::new(self.clock.clone()),
            transactions: store,
        }
    }

    pub(crate) fn memory(&self, provider: &str) -> Remembered<'_> {
        Remembered { store: &self.store, space: format!("provider:{provider}") }
    }
}
