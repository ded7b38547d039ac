//! The trait that a provider implements.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Jobs, ProviderContext, Result, Routes, Subscriptions, Tools};

/// A plug-in: what it is built from, and what it brings.
///
/// Only `ID`, `Config` and `build` are required. The declarations are read once after building, and again
/// after [`ProviderContext::surface_changed`].
pub trait Provider: Send + Sync + Sized + 'static {
    /// `[a-z][a-z0-9_]*`, at most 32 characters; the name it is mounted under unless configured otherwise.
    const ID: &'static str;

    /// Its section of the configuration. Doc comments become the documentation; unknown keys are refused.
    type Config: DeserializeOwned + JsonSchema + Send + 'static;

    /// It is for trying things out: mounted in development, elsewhere only if the configuration says so.
    const DEVELOPMENT_ONLY: bool = false;

    /// Makes it from its configuration. May connect to the outside; must not spawn tasks.
    ///
    /// # Errors
    /// The provider is then listed as failed, with the error's detail; the server goes on without it.
    fn build(
        config: Self::Config,
        cx: ProviderContext,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// Declares its tools.
    fn tools(&self, _t: &mut Tools<Self>) {}

    /// Declares its routes and incoming webhooks.
    fn routes(&self, _r: &mut Routes<Self>) {}

    /// Declares its kinds of jobs.
    fn jobs(&self, _j: &mut Jobs<Self>) {}

    /// Declares the events it listens to.
    fn subscriptions(&self, _s: &mut Subscriptions<Self>) {}

    /// Whether it can do its work; asked regularly, shown in `/health`.
    ///
    /// # Errors
    /// When it cannot; the detail is shown to operators.
    fn health(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}
