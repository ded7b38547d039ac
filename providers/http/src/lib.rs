#![doc = include_str!("../README.md")]

mod answer;
mod cache;
mod config;
mod content;
mod exchange;
mod fetch;
mod headers;
mod hosts;
mod outgoing;

use mindflight_core::{Provider, ProviderContext, Result, Tools, register_provider};

use self::cache::Cache;
pub use self::config::Config;
use self::config::Settings;

/// The provider.
pub struct Http {
    settings: Settings,
    cache: Cache,
}

impl Provider for Http {
    const ID: &'static str = "http";
    type Config = Config;

    async fn build(config: Config, _cx: ProviderContext) -> Result<Self> {
        let cache = Cache::new(&config.cache);
        Ok(Self { settings: Settings::check(config)?, cache })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        fetch::tools(self, t);
    }
}

register_provider!(Http);
