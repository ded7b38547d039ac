//! The system's own packages: apt, dnf, apk, brew.

use super::{InstallOptions, Source, step};
use crate::find::{self, Installation};
use crate::options::is_root;
use crate::{Error, folder};
use std::fs;
use std::path::Path;

/// A package tool and what it is told.
struct Tool {
    program: &'static str,
    /// Refreshes its lists; may fail, the lists may be good enough.
    refresh: &'static [&'static str],
    install: &'static [&'static str],
    /// Homebrew refuses root, the others need it.
    as_root: bool,
}

const APT: Tool = Tool {
    program: "apt-get",
    refresh: &["update", "-q"],
    install: &[
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "-o",
        "Dpkg::Options::=--force-confold",
        "postgresql",
    ],
    as_root: true,
};
const DNF: Tool = Tool {
    program: "dnf",
    refresh: &[],
    install: &["install", "-y", "postgresql-server"],
    as_root: true,
};
const APK: Tool =
    Tool { program: "apk", refresh: &["update"], install: &["add", "postgresql"], as_root: true };
const BREW: Tool =
    Tool { program: "brew", refresh: &[], install: &["install", "postgresql@17"], as_root: false };

pub(super) fn install(
    source: Source,
    to: &InstallOptions,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let tool = match source {
        Source::Dnf => DNF,
        Source::Apk => APK,
        Source::Brew => BREW,
        Source::Auto | Source::Apt | Source::Npm | Source::Pip => APT,
    };
    let program = step::program(tool.program, source, to)?;
    if tool.as_root != is_root() {
        let needs = if tool.as_root { "needs root" } else { "does not work as root" };
        return Err(Error::Missing { source, needs: needs.to_owned() });
    }
    if source == Source::Apt {
        keep_it_from_starting_one(&to.system_root)?;
    }
    let command = |arguments: &[&str]| {
        let mut command = step::command(&program, to);
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    if !tool.refresh.is_empty()
        && let Err(error) = step::run_aloud(command(tool.refresh), source, progress)
    {
        progress(&format!("going on with the lists there are: {error}"));
    }
    step::run_aloud(command(tool.install), source, progress)?;
    usable(source, to)
}

/// Debian would make and start a cluster of the system's, which nobody asked for.
fn keep_it_from_starting_one(root: &Path) -> Result<(), Error> {
    let path = root.join("etc/postgresql-common/createcluster.conf");
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        folder::create_open(parent)?;
    }
    fs::write(&path, "create_main_cluster = false\n").map_err(Error::file("write", &path))
}

/// What the packages brought may be too old: Ubuntu 22.04 has 14.
fn usable(source: Source, to: &InstallOptions) -> Result<Installation, Error> {
    let search = find::installations(&to.find);
    search.best().cloned().ok_or_else(|| {
        let reasons: Vec<String> =
            search.rejected.iter().map(|(dir, why)| format!("{} {why}", dir.display())).collect();
        let output = format!("none that can be used; {}", reasons.join("; "));
        Error::Install { source, step: "look for what it installed".to_owned(), output }
    })
}
