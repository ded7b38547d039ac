#![doc = include_str!("../README.md")]
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

mod arithmetic;
mod calculator;
mod counters;
mod faults;
mod hello;
mod pace;
mod waiting;

use mindflight_core::{Jobs, Provider, ProviderContext, Result, Routes, Tools, register_provider};

/// The provider.
pub struct Demo;

/// It has no settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Provider for Demo {
    const ID: &'static str = "demo";
    const DEVELOPMENT_ONLY: bool = true;
    type Config = Config;

    async fn build(_: Config, _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        arithmetic::tools(t);
        hello::tools(t);
        waiting::tools(t);
        faults::tools(t);
        counters::tools(t);
    }

    fn routes(&self, r: &mut Routes<Self>) {
        hello::routes(r);
    }

    fn jobs(&self, j: &mut Jobs<Self>) {
        waiting::jobs(j);
        faults::jobs(j);
        counters::jobs(j);
    }
}

register_provider!(Demo);
