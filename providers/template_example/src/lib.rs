#![doc = include_str!("../README.md")]
#![expect(clippy::unused_async, reason = "handlers are async, also those that wait for nothing")]

use std::sync::Arc;

use mindflight_core::{Context, Provider, ProviderContext, Result, Tools, register_provider};

/// The provider.
pub struct TemplateExample;

/// It has no settings; a field here is one, its doc comment the documentation.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// What the tool is called with: an `Option` may be left out.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Parameters {
    /// A text that comes back in the message.
    param1: String,
    /// A number that comes back in the message, if it was sent.
    param2: Option<i64>,
}

/// What the tool answers.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Executed {
    /// Which parameters it was executed with.
    message: String,
}

impl TemplateExample {
    async fn example_tool(self: Arc<Self>, _cx: Context, input: Parameters) -> Result<Executed> {
        let mut message = format!("Executed example tool with param1={}", input.param1);
        if let Some(param2) = input.param2 {
            message.push_str(&format!(" and param2={param2}"));
        }
        Ok(Executed { message })
    }
}

impl Provider for TemplateExample {
    const ID: &'static str = "template_example";
    type Config = Config;

    async fn build(_: Config, _cx: ProviderContext) -> Result<Self> {
        Ok(Self)
    }

    fn tools(&self, t: &mut Tools<Self>) {
        let about =
            "Says which parameters it was called with. Use it to try out how tools are called.";
        t.add("example_tool", about, Self::example_tool).read_only();
    }
}

register_provider!(TemplateExample);
