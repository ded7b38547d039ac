//! The real server as a program: its commands, in a folder and an environment that are ours alone.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// Variables that would make the server another one than the measured.
const FOREIGN: [&str; 7] =
    ["APP_URL", "DATABASE_URL", "FLY_REGION", "LOG_FORMAT", "LOG_LEVEL", "PORT", "RUST_LOG"];

/// What chooses the PostgreSQL programs is the machine's matter and stays.
const KEPT: &str = "MINDFLIGHT_PG_";

/// `serve` wants one; whoever knows it can only reach a server that ends with its measurement.
const SECRET: &str = "for-measurements-only-0123456789abcdef";

/// The program and the folder that it works in; the folder goes with the value.
pub(crate) struct Program {
    path: PathBuf,
    folder: TempDir,
}

impl Program {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        Self::within(path, &std::env::temp_dir())
    }

    /// With its folder inside another, which goes away with all that is in it.
    pub(crate) fn within(path: &Path, parent: &Path) -> Result<Self> {
        let path = path
            .canonicalize()
            .with_context(|| format!("there is no server at {}", path.display()))?;
        // As root the cluster runs as another account, which has to be able to enter.
        let folder = tempfile::Builder::new()
            .prefix("mindflight-bench-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .context("cannot make a temporary folder")?;
        Ok(Self { path, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `mindflight dev` with this data folder, on a free port.
    pub(crate) fn dev(&self, data: &str) -> Command {
        let mut command = self.command(&["dev", "--listen", "127.0.0.1:0"]);
        command.arg("--data-dir").arg(self.folder().join(data));
        command
    }

    /// Makes a key that may call tools, on the database of the running server.
    pub(crate) fn create_key(&self, data: &str) -> Result<String> {
        let mut command =
            self.command(&["key", "create", "--name", "bench", "--scopes", "tools:call"]);
        command.arg("--data-dir").arg(self.folder().join(data));
        output(&mut command)
    }

    /// `mindflight serve` on this database, on a free port.
    pub(crate) fn serve(&self, database: &str) -> Command {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", database).env("SLOP_JWT_SECRET", SECRET);
        command
    }

    /// Brings a database to this program's schema.
    pub(crate) fn migrate(&self, database: &str) -> Result<()> {
        let mut command = self.command(&["migrate"]);
        output(command.env("DATABASE_URL", database).env("SLOP_JWT_SECRET", SECRET)).map(drop)
    }

    /// Makes a key that may do everything, on a database that a server has brought up to date.
    pub(crate) fn create_admin_key(&self, database: &str) -> Result<String> {
        let mut command = self.command(&["key", "create", "--name", "bench", "--scopes", "admin"]);
        output(command.env("DATABASE_URL", database))
    }

    pub(crate) fn version(&self) -> Result<String> {
        let text = output(&mut self.command(&["version"]))?;
        Ok(text.lines().next().unwrap_or_default().to_owned())
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        command.args(args).current_dir(self.folder());
        for (name, _) in std::env::vars_os() {
            if is_foreign(&name.to_string_lossy()) {
                command.env_remove(&name);
            }
        }
        command
    }
}

fn is_foreign(name: &str) -> bool {
    let base = name.strip_suffix("_FILE").unwrap_or(name);
    FOREIGN.contains(&base)
        || base.starts_with("SLOP_")
        || (base.starts_with("MINDFLIGHT_") && !base.starts_with(KEPT))
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_somebodys_shell_do_not_reach_the_server() {
        for name in
            ["DATABASE_URL", "DATABASE_URL_FILE", "MINDFLIGHT_LOG__LEVEL", "SLOP_JWT_SECRET"]
        {
            assert!(is_foreign(name), "{name}");
        }
        for name in ["PATH", "HOME", "MINDFLIGHT_PG_BIN"] {
            assert!(!is_foreign(name), "{name}");
        }
    }
}
