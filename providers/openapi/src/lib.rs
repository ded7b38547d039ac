#![doc = include_str!("../README.md")]

mod about;
mod answer;
mod auth;
mod call;
mod config;
mod document;
mod encode;
mod filter;
mod names;
mod operation;
mod promise;
mod reference;
mod request;
mod schema;
mod style;

use std::sync::Arc;

use mindflight_core::{Provider, ProviderContext, Result, Tools, register_provider};

use self::auth::Credentials;
use self::call::Call;
pub use self::config::Config;
use self::config::Limits;
use self::document::Document;
use self::filter::Filter;
use self::operation::Operations;

/// The provider.
pub struct OpenApi {
    credentials: Credentials,
    limits: Limits,
    /// The tools, by name.
    calls: Vec<(String, Arc<Call>)>,
}

impl Provider for OpenApi {
    const ID: &'static str = "openapi";
    type Config = Config;

    async fn build(config: Config, cx: ProviderContext) -> Result<Self> {
        let limits = Limits::check(&config)?;
        let credentials = Credentials::read(&config.auth, &config.headers)?;
        let document = Document::load(&config.document, &cx).await?;
        let base = document.base(config.base_url.as_deref())?;
        let filter = Filter::read(&config.include, &config.exclude);
        let fixed_base = config.base_url.is_some();
        let operations = Operations::read(&document, &filter, &credentials, (&base, fixed_base));
        operations.report(cx.name());
        filter.report(cx.name());
        let operations = operations.usable(&document.shown)?;
        let names = names::assign(&operations, cx.name(), &config.names)?;
        let calls = operations.into_iter().map(|operation| Arc::new(Call::new(operation, &base)));
        Ok(Self { credentials, limits, calls: names.into_iter().zip(calls).collect() })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        for (name, call) in &self.calls {
            call::tool(name, call, &self.limits, t);
        }
    }
}

register_provider!(OpenApi);
