//! The cluster of the drivers, made and removed by their own script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::guard::Guard;

/// A running cluster. It stops with the value, and also if we die.
pub(super) struct Cluster {
    script: PathBuf,
    folder: PathBuf,
    is_stopped: bool,
    _guard: Guard,
}

impl Cluster {
    pub(super) fn start(drivers: &Path, parent: &Path) -> Result<Self> {
        let (script, folder) = (drivers.join("pg.sh"), parent.join("pg"));
        control(&script, "start", &folder)?;
        let path = folder.join("data/postmaster.pid");
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let pid = text.lines().next().and_then(|line| line.trim().parse().ok());
        let pid = pid.with_context(|| format!("no process id in {}", path.display()))?;
        let guard = Guard::new(pid, Some(&folder))?;
        Ok(Self { script, folder, is_stopped: false, _guard: guard })
    }

    /// Where its socket is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn stop(mut self) -> Result<()> {
        self.is_stopped = true;
        control(&self.script, "stop", &self.folder)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.is_stopped {
            drop(control(&self.script, "stop", &self.folder));
        }
    }
}

fn control(script: &Path, what: &str, folder: &Path) -> Result<()> {
    let mut command = Command::new("/bin/sh");
    // The account of the server cannot enter every folder that we can.
    command.arg(script).arg(what).arg(folder).current_dir("/");
    let status = command.status().with_context(|| format!("cannot run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
