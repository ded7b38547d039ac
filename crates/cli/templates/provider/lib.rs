#![doc = include_str!("../README.md")]

use std::sync::Arc;

use mindflight_core::{
    Context, Error, Provider, ProviderContext, Result, Tools, register_provider,
};

/// The provider: what its calls share.
pub struct YourProvider {
    greeting: String,
}

/// Its settings. A doc comment is a setting's documentation.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The word to greet with.
    #[serde(default = "hello")]
    greeting: String,
}

fn hello() -> String {
    "Hello".to_owned()
}

/// What the tool is called with. An `Option` may be left out.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Greet {
    /// Whom to greet, such as `Ada`.
    name: String,
}

/// What the tool answers.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Greeting {
    /// The greeting.
    text: String,
}

impl YourProvider {
    async fn greet(self: Arc<Self>, _cx: Context, input: Greet) -> Result<Greeting> {
        let name = input.name.trim();
        if name.is_empty() {
            // Callers are models: name the field, what was wrong, and what to do.
            let detail = "must not be blank";
            return Err(Error::invalid(format!("`name` {detail}"))
                .field("/name", detail, Vec::new())
                .fix("Send the name of a person."));
        }
        let text = format!("{}, {name}!", self.greeting);
        Ok(Greeting { text })
    }
}

impl Provider for YourProvider {
    const ID: &'static str = "your_provider";
    type Config = Config;

    async fn build(config: Config, _cx: ProviderContext) -> Result<Self> {
        let greeting = config.greeting;
        Ok(Self { greeting })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        t.add("greet", "Greets one person by name.", Self::greet)
            .read_only();
    }
}

register_provider!(YourProvider);
