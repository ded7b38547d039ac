//! The tools that can be called now: compiled once, swapped as a whole when a provider comes or goes.

mod entry;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use mindflight_api::codes;
use mindflight_core::mounted::Mounted;
use mindflight_core::{Error, Result};

pub use self::entry::Entry;
use crate::cache::Cache;
use crate::{Settings, nearest};

/// The longest wire name of a tool (OpenAI's limit, the smallest of the vendors').
const LONGEST_NAME: usize = 64;

/// The tools of all mounted providers, sorted by wire name.
#[derive(Default)]
pub struct Catalog {
    entries: Vec<Arc<Entry>>,
    names: HashMap<String, Arc<Entry>>,
    quarantined: Vec<(String, String)>,
    /// Goes with the catalog: a provider that was built again begins with nothing kept.
    pub(crate) cache: Cache,
}

/// The catalog cannot be built: two tools want one name, or a name is not legal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogError(String);

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CatalogError {}

impl Catalog {
    /// Compiles the tools of `providers`. A tool whose schema cannot be used is left out, with the reason kept.
    ///
    /// # Errors
    /// When two tools want one name, or a name is not `[a-z0-9_]{1,64}`.
    pub fn build<'a>(
        providers: impl IntoIterator<Item = &'a Mounted>,
        settings: &Settings,
    ) -> Result<Self, CatalogError> {
        let mut catalog = Self { cache: Cache::new(settings.cache_bytes), ..Self::default() };
        for provider in providers {
            for tool in provider.surface().tools {
                let name = format!("{}_{}", provider.context().name(), tool.name);
                check_name(&name)?;
                match Entry::compile(name.clone(), provider.context().clone(), tool, settings) {
                    Ok(entry) => catalog.add(Arc::new(entry))?,
                    Err(reason) => catalog.quarantined.push((name, reason)),
                }
            }
        }
        catalog.entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(catalog)
    }

    fn add(&mut self, entry: Arc<Entry>) -> Result<(), CatalogError> {
        let dotted = format!("{}.{}", entry.provider.name(), entry.tool.name);
        let aliases = entry.tool.options.aliases.iter().cloned();
        for name in [entry.name.clone(), dotted].into_iter().chain(aliases) {
            if let Some(other) = self.names.insert(name.clone(), entry.clone()) {
                return Err(CatalogError(format!(
                    "two tools want the name `{name}`: one of provider `{}`, one of `{}`",
                    other.provider.name(),
                    entry.provider.name()
                )));
            }
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Every tool, sorted by wire name.
    #[must_use]
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// Tools that were left out, each with the reason.
    #[must_use]
    pub fn quarantined(&self) -> &[(String, String)] {
        &self.quarantined
    }

    /// The tool with this wire name or alias.
    ///
    /// # Errors
    /// 404 `tool_not_found` with the nearest names; 503 for a tool that was left out.
    pub fn get(&self, name: &str) -> Result<&Arc<Entry>> {
        if let Some(entry) = self.names.get(name) {
            return Ok(entry);
        }
        if let Some((_, reason)) = self.quarantined.iter().find(|(left_out, _)| left_out == name) {
            let detail = format!("the tool `{name}` is left out: {reason}");
            return Err(Error::of(codes::PROVIDER_UNAVAILABLE, detail).permanent());
        }
        let known = self.entries.iter().map(|entry| entry.name.as_str());
        let near = nearest(name, known);
        let shown: String = name.chars().take(LONGEST_NAME).collect();
        let error = Error::of(
            codes::TOOL_NOT_FOUND,
            match near.as_slice() {
                [] => format!("no tool is called `{shown}`"),
                near => format!("no tool is called `{shown}`; near names: {}", near.join(", ")),
            },
        );
        Err(match near.first() {
            Some(near) => {
                error.fix(format!("Call `{near}`, or list the tools with `GET /api/tools`."))
            }
            None => error,
        })
    }
}

fn check_name(name: &str) -> Result<(), CatalogError> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.len() <= LONGEST_NAME && name.chars().all(legal) {
        return Ok(());
    }
    Err(CatalogError(format!(
        "the tool name `{name}` cannot be used: a name is a-z, 0-9 and _, and has at most {LONGEST_NAME} characters with the provider's"
    )))
}
