//! Starts the log: once a process, before anything else speaks.

use std::io::{self, IsTerminal as _};

use mindflight_api::InstanceId;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt};

use super::json::Json;
use super::levels::Levels;
use super::panics;
use crate::config::{Config, LogFormat};

/// Sends log lines to stderr, as `log` says, and panics to the log. Answers the id that each JSON line carries.
/// Where something logs already, it goes on.
pub(crate) fn init_logs(config: &Config) -> InstanceId {
    let instance = InstanceId::new();
    // The loader has refused what cannot be read.
    let levels = Levels::parse(&config.log.level).unwrap_or_default().into_filter();
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log_format() {
        LogFormat::Json => {
            let format = Json { instance, region: config.region.clone() };
            fmt::layer().event_format(format).with_writer(io::stderr).with_filter(levels).boxed()
        }
        LogFormat::Text => {
            let layer = fmt::layer().with_writer(io::stderr);
            // On a terminal the library looks at NO_COLOR by itself.
            let layer = if io::stderr().is_terminal() { layer } else { layer.with_ansi(false) };
            layer.with_filter(levels).boxed()
        }
    };
    if tracing_subscriber::registry().with(lines).try_init().is_ok() {
        panics::log_them();
    }
    instance
}
