//! Builds one provider, and takes every way in which that can go wrong as that provider's own misfortune.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use mindflight_api::provider::State;
use mindflight_core::mounted::Mounted;
use mindflight_core::ports::Ports;
use mindflight_core::{Factory, ProviderContext};
use serde_json::Value;
use tokio::runtime::Handle;

use super::Shared;
use crate::config::ProviderSection;

/// Why a provider is not on.
pub(crate) struct Failure {
    pub(crate) state: State,
    pub(crate) reason: String,
}

/// Where a provider is built, and with what.
pub(crate) struct Site {
    pub(crate) ports: Ports,
    pub(crate) runtime: Handle,
    /// How long it may take.
    pub(crate) limit: Duration,
}

pub(crate) async fn build(
    factory: &Factory,
    name: &str,
    section: &ProviderSection,
    site: Site,
) -> Result<Mounted, Failure> {
    let settings = Value::Object(section.settings.clone());
    check(factory, name, &settings)?;
    let failed = |reason: String| Failure { state: State::Failed, reason };
    let context = ProviderContext::new(name, site.ports);
    let (limit, factory) = (site.limit, *factory);
    // In a task of its own: a build that blocks its thread is left behind, as one that never ends.
    let mut built = site.runtime.spawn(async move { factory.build(settings, context).await });
    match tokio::time::timeout(limit, &mut built).await {
        Ok(Ok(Ok(mounted))) => surface(mounted)
            .ok_or_else(|| failed("it crashed while it declared its tools".to_owned())),
        Ok(Ok(Err(error))) => Err(failed(error.detail().to_owned())),
        Ok(Err(_)) => {
            Err(failed("it crashed while it was built; the log has the place".to_owned()))
        }
        Err(_) => {
            built.abort();
            Err(failed(format!("it was not built within {} s", limit.as_secs_f64())))
        }
    }
}

/// Settings that are missing leave a provider off; settings that are wrong have it fail.
fn check(factory: &Factory, name: &str, settings: &Value) -> Result<(), Failure> {
    let Err(mistakes) = factory.check(settings) else {
        return Ok(());
    };
    let texts: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    let first = mistakes.first().map(|mistake| mistake.path.clone()).unwrap_or_default();
    let reason = format!(
        "providers.{name}: {}; set it in the configuration, or as MINDFLIGHT_PROVIDERS__{}__{}",
        texts.join("; "),
        name.to_uppercase(),
        first.replace('.', "__").to_uppercase()
    );
    let only_missing = mistakes.iter().all(|mistake| mistake.missing);
    Err(Failure { state: if only_missing { State::Off } else { State::Failed }, reason })
}

/// Reads the surface once, so that a panic in a declaration is found here and not while serving.
fn surface(mounted: Mounted) -> Option<Mounted> {
    std::panic::catch_unwind(AssertUnwindSafe(|| drop(mounted.surface()))).ok()?;
    Some(mounted)
}

/// Why a provider cannot do its work now, if it says so, crashes or does not answer.
pub(super) async fn unwell(mounted: &Mounted, shared: &Shared) -> Option<String> {
    let limit = shared.config.calls.health_timeout.0;
    // In a task of its own, as a build: it may block.
    let mut asked = shared.tasks.runtime().spawn(mounted.health());
    match tokio::time::timeout(limit, &mut asked).await {
        Ok(Ok(Ok(()))) => None,
        Ok(Ok(Err(error))) => Some(error.detail().to_owned()),
        Ok(Err(_)) => Some("its health check crashed".to_owned()),
        Err(_) => {
            asked.abort();
            Some(format!("its health check did not answer within {} s", limit.as_secs_f64()))
        }
    }
}
