//! `provider check`: builds the providers of a configuration without a database, and lints what they bring.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use mindflight_calls::nearest;
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::{Http, NotSupported, Ports, SystemClock};
use mindflight_core::{Factory, ProviderContext, Registry, lint};
use serde_json::Value;

pub use mindflight_core::lint::{Finding, Level, RULES, Rule};

use crate::config::{Config, ProviderSection};

/// What became of one provider.
#[derive(Debug)]
pub struct Checked {
    /// The name it is mounted under.
    pub name: String,
    /// The rules that it breaks, or why nobody can say.
    pub found: Result<Vec<Finding>, Unchecked>,
}

/// Why a provider was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked(pub String);

/// No provider has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no provider is called `{name}`")]
pub struct UnknownProvider {
    /// The name.
    pub name: String,
    /// Names near it; all of them if none is.
    pub near: Vec<String>,
}

/// Checks the providers with these names, or all that the configuration mounts and those linked besides.
///
/// # Errors
/// When one of the names is no provider's; or, as a panic would be, never because of what a provider does.
pub fn check(
    config: &Config,
    registry: &Registry,
    names: &[String],
) -> Result<Vec<Checked>, UnknownProvider> {
    let mut wanted = wanted(config, registry);
    if !names.is_empty() {
        if let Some(name) = names.iter().find(|name| !wanted.contains_key(*name)) {
            return Err(unknown(name, &wanted));
        }
        wanted.retain(|name, _| names.contains(name));
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let checked = wanted.into_iter().map(|(name, section)| {
        let found = match &runtime {
            Ok(runtime) => one(config, registry, (&name, section), runtime),
            Err(error) => Err(Unchecked(format!("no thread could be started: {error}"))),
        };
        Checked { name, found }
    });
    let checked = checked.collect();
    if let Ok(runtime) = runtime {
        // A build that holds its thread is not waited for.
        runtime.shutdown_background();
    }
    Ok(checked)
}

/// The mounted names: those of the configuration, and those of linked providers that it does not mention.
fn wanted(config: &Config, registry: &Registry) -> BTreeMap<String, ProviderSection> {
    let mut wanted = config.providers.clone();
    let used: HashSet<String> = wanted
        .iter()
        .map(|(name, section)| section.provider.clone().unwrap_or_else(|| name.clone()))
        .collect();
    for factory in registry.iter().filter(|factory| !used.contains(factory.id)) {
        wanted.entry(factory.id.to_owned()).or_default();
    }
    wanted
}

fn unknown(name: &str, wanted: &BTreeMap<String, ProviderSection>) -> UnknownProvider {
    let known = || wanted.keys().map(String::as_str);
    let mut near: Vec<String> = nearest(name, known()).into_iter().map(str::to_owned).collect();
    if near.is_empty() {
        near = known().map(str::to_owned).collect();
    }
    UnknownProvider { name: name.to_owned(), near }
}

fn one(
    config: &Config,
    registry: &Registry,
    (name, section): (&str, ProviderSection),
    runtime: &tokio::runtime::Runtime,
) -> Result<Vec<Finding>, Unchecked> {
    let id = section.provider.as_deref().unwrap_or(name);
    let factory = registry
        .get(id)
        .ok_or_else(|| Unchecked(format!("no provider `{id}` is linked into this program")))?;
    let settings = Value::Object(section.settings);
    if let Err(mistakes) = factory.check(&settings) {
        let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        return Err(Unchecked(format!("providers.{name}: {}", texts.join("; "))));
    }
    let context = ProviderContext::new(name, ports(config));
    let limit = config.calls.build_timeout.0;
    let mounted = runtime.block_on(built(*factory, settings, context, limit))?;
    let found = std::panic::catch_unwind(AssertUnwindSafe(|| lint::check(&mounted)));
    found.map_err(|_| Unchecked("it crashed while it declared what it brings".to_owned()))
}

async fn built(
    factory: Factory,
    settings: Value,
    context: ProviderContext,
    limit: std::time::Duration,
) -> Result<Mounted, Unchecked> {
    // In a task of its own: a build that blocks its thread is left behind, as one that never ends.
    let task = tokio::runtime::Handle::current()
        .spawn(async move { factory.build(settings, context).await });
    let reason = match tokio::time::timeout(limit, task).await {
        Ok(Ok(Ok(mounted))) => return Ok(mounted),
        Ok(Ok(Err(error))) => error.detail().to_owned(),
        Ok(Err(_)) => "it crashed while it was built".to_owned(),
        Err(_) => format!("it was not built within {} s", limit.as_secs_f64()),
    };
    Err(Unchecked(reason))
}

/// The outside world alone is lent: there is no database behind the rest.
fn ports(config: &Config) -> Ports {
    let none = Arc::new(NotSupported);
    Ports {
        memory: none.clone(),
        jobs: none.clone(),
        events: none.clone(),
        resources: none.clone(),
        http: http(config),
        clock: Arc::new(SystemClock),
        transactions: none,
    }
}

fn http(config: &Config) -> Arc<dyn Http> {
    Arc::new(crate::outbound::client(config))
}
