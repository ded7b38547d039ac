//! What a caller may choose, and the one place of this crate that reads the environment.

use crate::find::places::USUAL_PLACES;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

/// Everything the crate needs to know about the machine and the caller's wishes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the cluster: lock, data, socket and log live in it.
    pub data_dir: PathBuf,
    /// The only folder to take the programs from, if set (`MINDFLIGHT_PG_BIN`).
    pub bin_dir: Option<PathBuf>,
    /// The account to run as when we are root (`MINDFLIGHT_PG_USER`); ignored otherwise.
    pub account: Option<String>,
    /// Where programs are searched first (`PATH`).
    pub path: Option<OsString>,
    /// Folders searched next; a segment may hold `*`.
    pub usual_places: Vec<String>,
    /// Where [`install`](crate::install) puts programs, as `pg-<major>`; searched last.
    pub download_dir: PathBuf,
    /// False turns everything off that makes data survive a power cut: for tests.
    pub durable: bool,
    /// Further server settings (name, value); they win over the crate's own.
    pub settings: Vec<(String, String)>,
    /// How long the server may take until it is ready (recovery counts).
    pub start_timeout: Duration,
    /// How long a fast shutdown may take before the server is stopped the hard way.
    pub stop_timeout: Duration,
    /// How often a state is looked at while waiting for it.
    pub poll: Duration,
    /// Our environment without `PG*` and the locale, for [`install`](crate::install); a server gets very little of it.
    pub environment: Vec<(OsString, OsString)>,
}

impl Options {
    /// The options of this process: `MINDFLIGHT_PG_BIN`, `MINDFLIGHT_PG_USER`, `PATH`, and the usual defaults.
    pub fn from_env(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            bin_dir: variable("MINDFLIGHT_PG_BIN").map(PathBuf::from),
            account: variable("MINDFLIGHT_PG_USER").and_then(|name| name.into_string().ok()),
            path: variable("PATH"),
            usual_places: USUAL_PLACES.iter().map(ToString::to_string).collect(),
            download_dir: default_download_dir(),
            durable: true,
            settings: Vec::new(),
            start_timeout: Duration::from_secs(60),
            stop_timeout: Duration::from_secs(30),
            poll: Duration::from_millis(5),
            environment: std::env::vars_os().filter(|(name, _)| is_harmless(name)).collect(),
        }
    }
}

/// `/var/lib/mindflight` for root, else `$XDG_DATA_HOME/mindflight` or `~/.local/share/mindflight`.
pub fn default_data_dir() -> PathBuf {
    if is_root() {
        return PathBuf::from("/var/lib/mindflight");
    }
    base("XDG_DATA_HOME", ".local/share").join("mindflight")
}

/// `/var/lib/mindflight` for root, else `$XDG_CACHE_HOME/mindflight` or `~/.cache/mindflight`.
pub fn default_download_dir() -> PathBuf {
    if is_root() {
        return PathBuf::from("/var/lib/mindflight");
    }
    base("XDG_CACHE_HOME", ".cache").join("mindflight")
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The XDG rule: a relative value counts as unset.
fn base(xdg: &str, below_home: &str) -> PathBuf {
    match variable(xdg).map(PathBuf::from) {
        Some(dir) if dir.is_absolute() => dir,
        _ => std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(below_home),
    }
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// `PG*` would steer the programs behind our back; messages are read, so they stay English.
fn is_harmless(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with("PG") && !name.starts_with("LC_") && name != "LANGUAGE" && name != "PATH"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_steer_postgres_do_not_reach_the_children() {
        for name in ["PGPORT", "PGDATA", "LC_MESSAGES", "LANGUAGE"] {
            assert!(!is_harmless(OsStr::new(name)), "{name}");
        }
        for name in ["HOME", "LD_LIBRARY_PATH", "HTTPS_PROXY", "TZ"] {
            assert!(is_harmless(OsStr::new(name)), "{name}");
        }
    }
}
