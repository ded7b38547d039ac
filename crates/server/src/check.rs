//! `provider check`: builds the providers of a configuration without a database, and lints what they bring.

use std::collections::BTreeMap;
use std::sync::Arc;

use mindflight_calls::nearest;
use mindflight_core::ports::{NotSupported, Ports, SystemClock};
use mindflight_core::{Registry, lint};

pub use mindflight_core::lint::{Finding, Level, RULES, Rule};

use crate::config::{Config, ProviderSection};
use crate::mounts::{Site, build};

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
    let mut wanted = config.mounts(registry);
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
            Ok(runtime) => one(config, registry, (&name, &section), runtime),
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
    (name, section): (&str, &ProviderSection),
    runtime: &tokio::runtime::Runtime,
) -> Result<Vec<Finding>, Unchecked> {
    let id = section.provider.as_deref().unwrap_or(name);
    let factory = registry
        .get(id)
        .ok_or_else(|| Unchecked(format!("no provider `{id}` is linked into this program")))?;
    let limit = config.calls.build_timeout.0;
    let site = Site { ports: ports(config), runtime: runtime.handle().clone(), limit };
    let built = runtime.block_on(build(factory, name, section, site));
    built.map(|mounted| lint::check(&mounted)).map_err(|failure| Unchecked(failure.reason))
}

/// The outside world alone is lent: there is no database behind the rest.
fn ports(config: &Config) -> Ports {
    let none = Arc::new(NotSupported);
    Ports {
        memory: none.clone(),
        jobs: none.clone(),
        events: none.clone(),
        resources: none.clone(),
        http: Arc::new(crate::outbound::client(config)),
        clock: Arc::new(SystemClock),
        transactions: none,
    }
}
