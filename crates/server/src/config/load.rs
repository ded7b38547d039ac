//! Makes one configuration from defaults, a file, the environment and flags, and finds every mistake at once.

mod check;
mod environment;
mod file;
mod known;
mod mistakes;
mod origin;
mod providers;
mod rules;
mod show;
mod text;
mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use mindflight_core::Registry;
use serde_json::Value;

pub use self::known::schema;
pub use self::mistakes::{ConfigMistake, ConfigMistakes};
pub use self::origin::Origin;

use self::known::Known;
use self::tree::Tree;
use super::Config;

/// The defaults, which are documentation too.
const DEFAULTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/config.default.yaml"));

/// What the configuration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `dev`: the environment is development unless set, and no secret is needed.
    Dev,
    /// `serve`: the database and the secret have to be named.
    Serve,
    /// A command that works beside a server: what it needs, it asks for itself.
    Tool,
}

/// Where the configuration comes from, besides the defaults.
#[derive(Clone)]
pub struct Sources {
    /// What it is for.
    pub mode: Mode,
    /// `--config`.
    pub file: Option<PathBuf>,
    /// Environment variables; those that are not ours are left alone.
    pub environment: Vec<(String, String)>,
    /// Settings of the command line: dotted path and text. `--listen` is `server.listen`.
    pub flags: Vec<(String, String)>,
    /// The linked providers: their settings are checked by their own schemas.
    pub registry: Registry,
}

impl Sources {
    /// The sources of this process: its environment, and what its command line said.
    #[must_use]
    pub fn from_process(mode: Mode, file: Option<PathBuf>, flags: Vec<(String, String)>) -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into(), value.to_string_lossy().into()))
            .collect();
        // A registry that is wrong is an error of its own, when the server starts.
        let registry = Registry::linked().unwrap_or_default();
        Self { mode, file, environment, flags, registry }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the environment nor flags: both may hold secrets.
        let (mode, file) = (&self.mode, &self.file);
        f.debug_struct("Sources").field("mode", mode).field("file", file).finish_non_exhaustive()
    }
}

/// A configuration without mistakes.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The same as it was written, secrets included; [`Loaded::redacted`] is for showing.
    pub values: Value,
    /// Where each value comes from, by dotted path.
    pub origins: BTreeMap<String, Origin>,
    /// What is no mistake, and yet seldom meant: each is worth a line in the log.
    pub warnings: Vec<String>,
    /// Dotted paths of values that must not be shown.
    secrets: Vec<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("values", &self.redacted()).finish_non_exhaustive()
    }
}

/// Makes the configuration.
///
/// # Errors
/// Every mistake at once, each with its path and where it comes from.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigMistakes> {
    let registry = &sources.registry;
    let known = Known::new(registry);
    let (mut mistakes, mut warnings) = (Vec::new(), Vec::new());
    let mut tree = defaults(sources.mode)?;
    if let Some(path) = &sources.file {
        match file::read(path) {
            Ok(settings) => tree.add(settings),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    let variables = environment::read(&sources.environment, &tree, &known, &mut mistakes);
    tree.add(variables);
    tree.add(environment::flags(&sources.flags, &mut mistakes));
    text::convert(&mut tree, &known);
    mistakes.extend(check::check(&tree, &known));
    mistakes.extend(providers::check(&tree, registry, &mut warnings));
    mistakes.extend(rules::check(&tree, sources.mode));
    let config = finish(&tree, &mut mistakes);
    match config {
        Some(config) if mistakes.is_empty() => {
            let secrets = known.secrets(&tree);
            let (values, origins) = tree.into_parts();
            Ok(Loaded { config, values, origins, warnings, secrets })
        }
        _ => Err(ConfigMistakes::new(mistakes)),
    }
}

fn defaults(mode: Mode) -> Result<Tree, ConfigMistakes> {
    let mut tree = Tree::default();
    let settings = file::parse(DEFAULTS, |_| Origin::Default);
    tree.add(settings.map_err(|detail| ConfigMistakes::new(vec![ConfigMistake::of(detail)]))?);
    if mode == Mode::Dev {
        tree.set(&["environment".to_owned()], Value::from("development"), Origin::Default);
    }
    Ok(tree)
}

/// Reads the whole; what the schema cannot say may still be wrong.
fn finish(tree: &Tree, mistakes: &mut Vec<ConfigMistake>) -> Option<Config> {
    let read = serde_path_to_error::deserialize(tree.values());
    read.map_err(|error| {
        if mistakes.is_empty() {
            let path = error.path().to_string();
            mistakes.push(tree.mistake(&path, error.inner().to_string()));
        }
    })
    .ok()
}

#[cfg(test)]
mod tests;
