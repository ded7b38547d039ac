//! The loader: every layer, every variable, every mistake, and what is shown of it.

mod documents;
mod layers;
mod mistakes;
mod shown;

use std::io::Write as _;

use mindflight_core::{Factory, Provider, ProviderContext, Result as CoreResult};
use schemars::JsonSchema;
use serde::Deserialize;
use tempfile::NamedTempFile;

use super::*;

pub(super) const SECRET: &str = "kq3Zx0uV8sT5yR2wN7pL4mJ1hG6fD9aB";

struct Weather;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct WeatherConfig {
    /// Opens the vendor's door.
    api_key: String,
    /// Requests a day.
    #[serde(default)]
    limit: u32,
    /// What it may ask about.
    #[serde(default)]
    cities: Vec<String>,
    /// Where its certificate lies.
    #[serde(default)]
    client_file: Option<String>,
    #[serde(default)]
    #[schemars(extend("writeOnly" = true))]
    pin: Option<u32>,
}

impl Provider for Weather {
    const ID: &'static str = "weather";
    type Config = WeatherConfig;

    async fn build(_: WeatherConfig, _: ProviderContext) -> CoreResult<Self> {
        Ok(Self)
    }
}

/// Sources to try out, in the order in which they win.
pub(super) struct Try {
    sources: Sources,
    file: Option<NamedTempFile>,
}

pub(super) fn tool() -> Try {
    Try::of(Mode::Tool)
}

impl Try {
    pub(super) fn of(mode: Mode) -> Self {
        let registry = Registry::from_factories([Factory::of::<Weather>()]).unwrap();
        let (file, environment, flags) = Default::default();
        Self { sources: Sources { mode, file, environment, flags, registry }, file: None }
    }

    pub(super) fn file(mut self, text: &str) -> Self {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        self.sources.file = Some(file.path().to_owned());
        self.file = Some(file);
        self
    }

    pub(super) fn set(mut self, name: &str, value: &str) -> Self {
        self.sources.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn flag(mut self, path: &str, value: &str) -> Self {
        self.sources.flags.push((path.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn load(&self) -> Loaded {
        load(&self.sources).unwrap()
    }

    /// The mistakes as people read them; the file is `file.yaml`.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let path = self.sources.file.as_ref().map(|path| path.display().to_string());
        let shown = |mistake: &ConfigMistake| match &path {
            Some(path) => mistake.to_string().replace(path, "file.yaml"),
            None => mistake.to_string(),
        };
        load(&self.sources).map(drop).unwrap_err().0.iter().map(shown).collect()
    }
}

/// A secret file.
pub(super) fn kept(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}
