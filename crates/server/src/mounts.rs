//! Which providers serve: built from configuration and the operators' switches, on all instances alike.

mod build;
mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use mindflight_api::codes;
use mindflight_api::provider::{Provider, State};
use mindflight_calls::{Calls, Catalog, nearest};
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{Clock, Ports};
use mindflight_core::{Error, Factory, Registry, Result};
use mindflight_events::Log;
use mindflight_queue::Queue;
use mindflight_store::Store;
use tokio_util::sync::CancellationToken;

pub(crate) use self::build::{Failure, Site, build};
pub(crate) use self::table::{Found, Lookup, RouteTable};
use crate::config::{Config, Environment, ProviderSection};
use crate::engine::Tasks;
use crate::records::record;
use crate::request::Requester;

/// All providers of this instance. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mounts(Arc<Shared>);

struct Shared {
    registry: Registry,
    config: Arc<Config>,
    ports: Ports,
    store: Store,
    calls: Calls,
    queue: Queue,
    log: Log,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    slots: RwLock<BTreeMap<String, Slot>>,
    routes: RwLock<Arc<RouteTable>>,
    /// One change at a time: a build may take a while.
    changing: tokio::sync::Mutex<()>,
    health: Mutex<BTreeMap<String, String>>,
    /// What the server itself brings; it is never off.
    own: Mounted,
}

/// One provider, on or off.
#[derive(Clone)]
struct Slot {
    id: String,
    /// The operators' switch that this state answers to.
    switch: Option<bool>,
    state: State,
    reason: Option<String>,
    mounted: Option<Mounted>,
}

/// What [`Mounts`] is made of.
pub(crate) struct Parts {
    pub(crate) registry: Registry,
    pub(crate) config: Arc<Config>,
    pub(crate) ports: Ports,
    pub(crate) store: Store,
    pub(crate) calls: Calls,
    pub(crate) queue: Queue,
    pub(crate) log: Log,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
}

impl Mounts {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { registry, config, ports, store, calls, queue, log, clock, tasks } = parts;
        let (slots, routes, changing, health) = Default::default();
        let own = crate::own::mounted(&ports, &store, &queue);
        Self(Arc::new(Shared {
            registry,
            config,
            ports,
            store,
            calls,
            queue,
            log,
            clock,
            tasks,
            slots,
            routes,
            changing,
            health,
            own,
        }))
    }

    /// The first settling: what it finds, the server starts with.
    ///
    /// # Errors
    /// As [`settle`](Self::settle), and when a required provider is not on.
    pub(crate) async fn start(&self) -> Result<()> {
        self.settle(None).await?;
        let sections = self.0.config.providers.iter();
        for (name, _) in sections.filter(|(_, section)| section.required) {
            let provider = self.get(name)?;
            if provider.state != State::On {
                let reason = provider.reason.unwrap_or_default();
                let detail = format!("the provider `{name}` is required and not on: {reason}");
                return Err(Error::failed(detail));
            }
        }
        Ok(())
    }

    /// Brings every provider whose switch has changed to the state it asks for; `again` also if it has not,
    /// so that one that failed gets another chance.
    ///
    /// # Errors
    /// When the switches cannot be read, or two tools want one name.
    async fn settle(&self, again: Option<&str>) -> Result<()> {
        let _changing = self.0.changing.lock().await;
        let switches = self.0.store.providers().states().await?;
        for (name, section) in self.0.config.mounts(&self.0.registry) {
            let switch = switches.get(&name).copied();
            let settled = self.read().get(&name).is_some_and(|slot| slot.switch == switch);
            if !settled || again == Some(name.as_str()) {
                let slot = self.next(&name, &section, switch).await;
                self.write().insert(name, slot);
            }
        }
        self.publish().await
    }

    async fn next(&self, name: &str, section: &ProviderSection, switch: Option<bool>) -> Slot {
        let id = section.provider.clone().unwrap_or_else(|| name.to_owned());
        let present = self.read().get(name).and_then(|slot| slot.mounted.clone());
        let outcome = match (self.chosen(&id, name, section, switch), present) {
            (Ok(_), Some(mounted)) => Ok(mounted),
            (Ok(factory), None) => build(&factory, name, section, self.site()).await,
            (Err(failure), _) => Err(failure),
        };
        match outcome {
            Ok(mounted) => {
                tracing::info!(provider = name, "provider `{name}` is on");
                Slot { id, switch, state: State::On, reason: None, mounted: Some(mounted) }
            }
            Err(Failure { state, reason }) => {
                // One that nobody asked for may be off.
                if self.0.config.providers.contains_key(name) || state != State::Off {
                    tracing::warn!(
                        provider = name,
                        reason,
                        "provider `{name}` is not on: {reason}"
                    );
                } else {
                    tracing::info!(provider = name, reason, "provider `{name}` is off: {reason}");
                }
                Slot { id, switch, state, reason: Some(reason), mounted: None }
            }
        }
    }

    fn site(&self) -> Site {
        let (ports, runtime) = (self.0.ports.clone(), self.0.tasks.runtime());
        Site { ports, runtime, limit: self.0.config.calls.build_timeout.0 }
    }

    /// The factory of a provider that is wanted, or why it is not.
    fn chosen(
        &self,
        id: &str,
        name: &str,
        section: &ProviderSection,
        switch: Option<bool>,
    ) -> Result<Factory, Failure> {
        let failure = |state, reason| Err(Failure { state, reason });
        let Some(factory) = self.0.registry.get(id).copied() else {
            return failure(State::Missing, self.not_linked(id));
        };
        let development = self.0.config.environment == Environment::Development;
        match (switch, section.enabled, !factory.development_only || development) {
            (Some(true), ..) | (None, Some(true), _) | (None, None, true) => Ok(factory),
            (Some(false), ..) => failure(State::Off, "an operator disabled it".to_owned()),
            (None, Some(false), _) => {
                failure(State::Off, format!("`providers.{name}.enabled` is false"))
            }
            (None, None, false) => {
                let what = format!(
                    "it is for development; set `providers.{name}.enabled` to mount it here"
                );
                failure(State::Off, what)
            }
        }
    }

    fn not_linked(&self, id: &str) -> String {
        let known: Vec<&str> = self.0.registry.iter().map(|factory| factory.id).collect();
        let near = nearest(id, known.iter().copied());
        let hint = near.first().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let known = known.join(", ");
        format!("no provider `{id}` is linked into this server{hint}; linked are {known}")
    }

    /// Hands the tools, routes and kinds of jobs of all mounted providers to those who serve them.
    async fn publish(&self) -> Result<()> {
        let mut mounted: Vec<Mounted> =
            self.mounted().into_iter().map(|(_, mounted)| mounted).collect();
        mounted.push(self.0.own.clone());
        let catalog = Catalog::build(&mounted, self.0.calls.settings())
            .map_err(|error| Error::failed(error.to_string()))?;
        let routes = RouteTable::build(&mounted).map_err(Error::failed)?;
        for (tool, reason) in catalog.quarantined() {
            tracing::warn!(tool, reason, "the tool `{tool}` is left out: {reason}");
        }
        for (kind, what) in Queue::left_out(&mounted) {
            tracing::warn!(kind, what, "of `{kind}` is left out {what}");
        }
        self.0.calls.replace(catalog);
        self.0.queue.replace(&mounted);
        for kind in self.0.queue.idle_overrides() {
            let known = self.0.queue.kinds();
            let near = nearest(kind, known.iter().map(|known| known.name.as_str()));
            let hint = near.first().map(|near| format!("; did you mean `{near}`?"));
            let hint = hint.unwrap_or_default();
            tracing::warn!(
                kind,
                "`jobs.kinds.{kind}` changes nothing: no mounted provider has this kind{hint}"
            );
        }
        *self.0.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
        crate::events::listen(&self.0.log, &self.0.queue).await
    }

    /// An operator's switch: written for all instances, and done here at once.
    pub(crate) async fn switch(&self, name: &str, on: bool, who: Requester) -> Result<Provider> {
        self.get(name)?;
        let action = if on { "provider.enable" } else { "provider.disable" };
        let record = record(&*self.0.clock, action, name, &who);
        self.0.store.providers().set(name, on, &record).await?;
        self.settle(Some(name)).await?;
        self.get(name)
    }

    /// Follows the switches of other instances, and providers that change what they bring.
    pub(crate) async fn follow(self, stop: CancellationToken) {
        // What is switched on or off is to be seen within twice this.
        let interval = self.0.config.auth.version_interval.0 * 9 / 5;
        let mut seen = None;
        let mut surfaces = BTreeMap::new();
        while stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_some() {
            let version = self.0.store.versions().await.ok().map(|versions| versions.providers);
            let changed = version.is_some() && version != seen;
            if changed && let Err(error) = self.settle(None).await {
                tracing::error!(error = %error, "the providers could not be brought up to date: {error}");
                continue;
            }
            seen = version.or(seen);
            if self.surfaces_changed(&mut surfaces)
                && let Err(error) = self.publish().await
            {
                tracing::error!(error = %error, "the changed tools cannot be served: {error}");
            }
        }
    }

    fn surfaces_changed(&self, seen: &mut BTreeMap<String, u64>) -> bool {
        let mut changed = false;
        for (name, slot) in self.read().iter() {
            let Some(mounted) = &slot.mounted else {
                continue;
            };
            let version = *mounted.context().surface().borrow();
            changed |= seen.insert(name.clone(), version).is_some_and(|before| before != version);
        }
        changed
    }

    /// Asks every mounted provider for its health, again and again.
    pub(crate) async fn watch_health(self, stop: CancellationToken) {
        let interval = self.0.config.calls.health_interval.0;
        loop {
            let mut failing = BTreeMap::new();
            for (name, mounted) in self.mounted() {
                if let Some(reason) = build::unwell(&mounted, &self.0).await {
                    failing.insert(name, reason);
                }
            }
            *self.0.health.lock().unwrap_or_else(PoisonError::into_inner) = failing;
            if stop.run_until_cancelled(tokio::time::sleep(interval)).await.is_none() {
                return;
            }
        }
    }

    fn mounted(&self) -> Vec<(String, Mounted)> {
        let slots = self.read();
        let mounted =
            slots.iter().filter_map(|(name, slot)| Some((name.clone(), slot.mounted.clone()?)));
        mounted.collect()
    }

    /// Providers whose health check failed, with the reason.
    pub(crate) fn unwell(&self) -> BTreeMap<String, String> {
        self.0.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every provider, sorted by name.
    pub(crate) fn list(&self) -> Vec<Provider> {
        let health = self.unwell();
        self.read().iter().map(|(name, slot)| slot.listed(name, health.get(name))).collect()
    }

    /// One provider.
    pub(crate) fn get(&self, name: &str) -> Result<Provider> {
        let slots = self.read();
        let slot =
            slots.get(name).ok_or_else(|| unknown(name, slots.keys().map(String::as_str)))?;
        Ok(slot.listed(name, self.unwell().get(name)))
    }

    /// The route of a provider for a request, or why there is none.
    pub(crate) fn route(
        &self,
        provider: &str,
        path: &str,
        method: &http::Method,
        webhook: bool,
    ) -> Result<Lookup> {
        if let Some(table) = self.routes().provider(provider) {
            return table.find(path, method, webhook);
        }
        let listed = self.get(provider)?;
        let detail =
            format!("the provider `{provider}` is off: {}", listed.reason.unwrap_or_default());
        Err(Error::of(codes::PROVIDER_UNAVAILABLE, detail).wait(std::time::Duration::from_secs(60)))
    }

    fn routes(&self) -> Arc<RouteTable> {
        self.0.routes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Slot>> {
        self.0.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Slot>> {
        self.0.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.collect();
    Error::not_found(format!("no provider is called `{name}`; there are {}", known.join(", ")))
        .fix("List the providers with `GET /api/providers`.")
}

impl Slot {
    fn listed(&self, name: &str, health: Option<&String>) -> Provider {
        let surface = self.mounted.as_ref().map(Mounted::surface).unwrap_or_default();
        Provider {
            name: name.to_owned(),
            provider: self.id.clone(),
            state: self.state,
            reason: self.reason.clone(),
            tools: surface.tools.iter().map(|tool| format!("{name}_{}", tool.name)).collect(),
            routes: surface
                .routes
                .iter()
                .map(|route| format!("{} /providers/{name}{}", route.method, route.path))
                .collect(),
            jobs: Queue::kinds_of(&surface).map(|kind| format!("{name}.{}", kind.name)).collect(),
            subscriptions: surface.subscriptions.iter().map(|one| one.pattern.clone()).collect(),
            health: health.cloned(),
        }
    }
}
