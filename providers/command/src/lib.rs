#![doc = include_str!("../README.md")]

mod answer;
mod check;
mod config;
mod group;
mod output;
mod parameter;
mod run;
mod template;

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::{Error, Provider, ProviderContext, Result, Tools, register_provider};

use self::check::Checked;
pub use self::config::Config;

/// The server cuts every call then.
const LONGEST_CALL: Duration = Duration::from_secs(300);

/// The provider.
pub struct Command {
    tools: Vec<Arc<Checked>>,
}

impl Provider for Command {
    const ID: &'static str = "command";
    type Config = Config;

    async fn build(config: Config, _cx: ProviderContext) -> Result<Self> {
        let looked_up = tokio::task::spawn_blocking(move || check::tools(config)).await;
        let tools = looked_up.map_err(Error::internal)??;
        Ok(Self { tools })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        for tool in &self.tools {
            declare(tool, t);
        }
    }

    async fn health(&self) -> Result<()> {
        let tools = self.tools.clone();
        let look = move || tools.iter().try_for_each(|tool| tool.is_there());
        tokio::task::spawn_blocking(look).await.map_err(Error::internal)?
    }
}

register_provider!(Command);

fn declare(tool: &Arc<Checked>, t: &mut Tools<Command>) {
    let settings = &tool.settings;
    let ours = tool.clone();
    let declared = t
        .dynamic(&tool.name, &settings.about, tool.schema(), move |_, cx, arguments| {
            let tool = ours.clone();
            async move { tool.call(&cx, &arguments).await }
        })
        .output(answer::schema(settings.output))
        // The program is stopped by its own time-out, and has time to end.
        .timeout((settings.timeout.0 + run::GRACE * 2).min(LONGEST_CALL));
    if settings.read_only {
        declared.read_only();
    }
    if settings.destructive {
        declared.destructive();
    }
    if settings.idempotent {
        declared.idempotent();
    }
    if let Some(calls) = settings.concurrency {
        declared.concurrency(calls);
    }
}
