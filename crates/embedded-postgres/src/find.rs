//! Which PostgreSQL programs this machine has, and why the others do not count.

pub(crate) mod places;

use crate::account::Account;
use crate::{OLDEST, Options, Version, programs};
use std::cmp::Reverse;
use std::path::{Path, PathBuf};

/// A usable set of programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The folder that holds `postgres` and `initdb`, links followed.
    pub bin_dir: PathBuf,
    /// What `postgres --version` said.
    pub version: Version,
}

/// The outcome of a search, good and bad.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What can be used, newest first.
    pub found: Vec<Installation>,
    /// What is there but cannot be used, and why.
    pub rejected: Vec<(PathBuf, String)>,
    /// Every place that was looked at, as a person would write it.
    pub looked_in: Vec<String>,
}

impl Search {
    /// The newest installation, for a new cluster.
    pub fn best(&self) -> Option<&Installation> {
        self.found.first()
    }

    /// The newest installation of one major version, for an existing cluster.
    pub fn of_major(&self, major: u32) -> Option<&Installation> {
        self.found.iter().find(|installation| installation.version.major == major)
    }
}

/// Looks at `bin_dir` alone if it is set, else at `PATH`, the usual places and the download folder.
pub fn installations(options: &Options) -> Search {
    let account = Account::choose(options).ok().flatten();
    search(options, account.as_ref())
}

pub(crate) fn search(options: &Options, account: Option<&Account>) -> Search {
    let mut search = Search::default();
    let mut seen: Vec<PathBuf> = Vec::new();
    for place in places::list(options) {
        search.looked_in.push(place.name);
        for folder in place.folders {
            let Ok(postgres) = folder.join("postgres").canonicalize() else {
                if options.bin_dir.is_some() {
                    search.rejected.push((folder, "holds no program `postgres`".to_owned()));
                }
                continue;
            };
            let Some(bin_dir) = postgres.parent().map(Path::to_path_buf) else {
                continue;
            };
            if seen.contains(&bin_dir) {
                continue;
            }
            seen.push(bin_dir.clone());
            match examine(&bin_dir, options, account) {
                Ok(version) => search.found.push(Installation { bin_dir, version }),
                Err(reason) => search.rejected.push((bin_dir, reason)),
            }
        }
    }
    // Stable: among equals the place that was looked at first wins.
    search.found.sort_by_key(|installation| Reverse(installation.version));
    search
}

/// The version, or the reason why the folder cannot be used. Being there proves nothing: it must run.
fn examine(
    bin_dir: &Path,
    options: &Options,
    account: Option<&Account>,
) -> Result<Version, String> {
    if let Some(account) = account
        && let Some(folder) = account.blocked(bin_dir, options)
    {
        return Err(format!("the account {} cannot enter {}", account.name, folder.display()));
    }
    if !bin_dir.join("initdb").is_file() {
        return Err("has no `initdb` beside `postgres`".to_owned());
    }
    let mut postgres = programs::command(bin_dir.join("postgres"), options, account);
    let output =
        postgres.arg("--version").output().map_err(|error| format!("does not start: {error}"))?;
    let text = programs::text(&output);
    if !output.status.success() {
        let line = text.lines().next().unwrap_or("no message").to_owned();
        return Err(format!("does not start ({}): {line}", output.status));
    }
    match Version::from_output(&text) {
        Some(version) if version.major < OLDEST => {
            Err(format!("is {version}, too old ({OLDEST} or newer is needed)"))
        }
        Some(version) => Ok(version),
        None => Err(format!("tells no version, but {text:?}")),
    }
}
