//! A built provider with its type erased, and the surface it brings.

use std::sync::Arc;

use serde_json::Value;

use crate::jobs::Kind;
use crate::routes::Route;
use crate::subscriptions::Subscription;
use crate::tools::Tool;
use crate::{
    BoxFuture, Jobs, Provider, ProviderContext, Result, Routes, Subscriptions, Tools, schema,
};

/// All that a provider brings at one moment.
#[derive(Default)]
pub struct Surface {
    /// Its tools.
    pub tools: Vec<Arc<Tool>>,
    /// Its routes and incoming webhooks.
    pub routes: Vec<Arc<Route>>,
    /// Its kinds of jobs.
    pub jobs: Vec<Arc<Kind>>,
    /// The events it listens to.
    pub subscriptions: Vec<Arc<Subscription>>,
}

/// A built provider. Cheap to clone.
#[derive(Clone)]
pub struct Mounted {
    context: ProviderContext,
    surface: Arc<dyn Fn() -> Surface + Send + Sync>,
    health: Arc<dyn Fn() -> BoxFuture<Result<()>> + Send + Sync>,
    config_schema: fn() -> Value,
}

impl Mounted {
    /// A provider that was built otherwise than by its factory; for what a server brings itself.
    #[must_use]
    pub fn new<P: Provider>(provider: P, context: ProviderContext) -> Self {
        let provider = Arc::new(provider);
        let checked = provider.clone();
        Self {
            context,
            surface: Arc::new(move || read(&provider)),
            health: Arc::new(move || {
                let provider = checked.clone();
                Box::pin(async move { provider.health().await })
            }),
            config_schema: || schema::of::<P::Config>(),
        }
    }

    /// What every call's context is made from.
    #[must_use]
    pub fn context(&self) -> &ProviderContext {
        &self.context
    }

    /// Asks the provider what it brings now.
    #[must_use]
    pub fn surface(&self) -> Surface {
        (self.surface)()
    }

    /// JSON Schema of the provider's section of the configuration.
    #[must_use]
    pub fn config_schema(&self) -> Value {
        (self.config_schema)()
    }

    /// Asks the provider whether it can do its work.
    #[must_use]
    pub fn health(&self) -> BoxFuture<Result<()>> {
        (self.health)()
    }
}

fn read<P: Provider>(provider: &Arc<P>) -> Surface {
    let mut tools = Tools::new(provider.clone());
    let mut routes = Routes::new(provider.clone());
    let mut jobs = Jobs::new(provider.clone());
    let mut subscriptions = Subscriptions::new(provider.clone());
    provider.tools(&mut tools);
    provider.routes(&mut routes);
    provider.jobs(&mut jobs);
    provider.subscriptions(&mut subscriptions);
    Surface {
        tools: tools.into_tools().into_iter().map(Arc::new).collect(),
        routes: routes.into_routes().into_iter().map(Arc::new).collect(),
        jobs: jobs.into_kinds().into_iter().map(Arc::new).collect(),
        subscriptions: subscriptions.into_subscriptions().into_iter().map(Arc::new).collect(),
    }
}
