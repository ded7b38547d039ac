#![doc = include_str!("../README.md")]
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

mod arithmetic;
mod calculator;
mod counters;
mod events;
mod faults;
mod hello;
mod pace;
mod waiting;

use mindflight_core::{
    Error, Jobs, Provider, ProviderContext, Result, Routes, Subscriptions, Tools, register_provider,
};

/// The provider.
pub struct Demo {
    webhook_secret: Option<String>,
}

/// Its settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Signs the deliveries to the webhook `/in`, as HMAC-SHA256 in `X-Signature`; without it there is no such webhook.
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    webhook_secret: Option<String>,
}

impl Provider for Demo {
    const ID: &'static str = "demo";
    const DEVELOPMENT_ONLY: bool = true;
    type Config = Config;

    async fn build(config: Config, _cx: ProviderContext) -> Result<Self> {
        let webhook_secret = config.webhook_secret;
        if webhook_secret.as_deref() == Some("") {
            // Anybody could sign with that.
            return Err(Error::failed("`webhook_secret` is empty; leave it out or set a secret"));
        }
        Ok(Self { webhook_secret })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        arithmetic::tools(t);
        hello::tools(t);
        waiting::tools(t);
        faults::tools(t);
        counters::tools(t);
        events::tools(t);
    }

    fn routes(&self, r: &mut Routes<Self>) {
        hello::routes(r);
        events::routes(self, r);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        arithmetic::jobs(j);
        waiting::jobs(j);
        faults::jobs(j);
        counters::jobs(j);
    }

    fn subscriptions(&self, s: &mut Subscriptions<Self>) {
        events::subscriptions(s);
    }
}

register_provider!(Demo);
