#![doc = include_str!("../README.md")]

mod config;
mod disk;
mod entry;
mod list;
mod place;
mod read;
mod refusal;
mod roots;
mod search;
mod stat;
mod walk;
mod write;

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use mindflight_core::{Provider, ProviderContext, Result, Tools, register_provider};

pub use self::config::Config;
use self::config::Limits;
use self::disk::blocking;
use self::roots::Roots;

/// The provider.
pub struct Filesystem {
    roots: Roots,
    limits: Limits,
    read_only: bool,
    /// Mounted under its own name: only one can have the tool's old name.
    is_original: bool,
    /// Held from the last look at a file until it is replaced, so that calls of one instance do not pass each other.
    replacing: Mutex<()>,
    /// Files that were begun: only a way to find a free name quickly.
    unfinished: AtomicU64,
}

impl Provider for Filesystem {
    const ID: &'static str = "filesystem";
    type Config = Config;

    async fn build(config: Config, cx: ProviderContext) -> Result<Self> {
        let is_original = cx.name() == Self::ID;
        let limits = config.limits()?;
        let read_only = config.read_only;
        let roots = blocking(move || Roots::open(&config.allowed_dirs)).await?;
        let (replacing, unfinished) = Default::default();
        Ok(Self { roots, limits, read_only, is_original, replacing, unfinished })
    }

    fn tools(&self, t: &mut Tools<Self>) {
        list::tools(self, t);
        read::tools(self, t);
        search::tools(t);
        stat::tools(t);
        if !self.read_only {
            write::tools(self, t);
        }
    }

    async fn health(&self) -> Result<()> {
        let roots = self.roots.clone();
        blocking(move || roots.check()).await
    }
}

register_provider!(Filesystem);
