#![doc = include_str!("../README.md")]
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::sync::Arc;

use mindflight_core::{Context, Provider, ProviderContext, Result, Tools, register_provider};

/// The provider.
pub struct Echo;

/// It has no settings.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// What is said, and said back.
#[derive(serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
struct Said {
    /// The text to say back, unchanged.
    text: String,
}

impl Echo {
    async fn say(self: Arc<Self>, _cx: Context, said: Said) -> Result<Said> {
        Ok(said)
    }
}

impl Provider for Echo {
    const ID: &'static str = "echo";
    type Config = Config;

    async fn build(_: Config, _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("say", "Says the text back, unchanged.", Self::say).read_only();
    }
}

register_provider!(Echo);
