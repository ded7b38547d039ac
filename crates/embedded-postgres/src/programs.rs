//! How every child is started: a clean environment, no terminal input, and never as root if there is an account.

use crate::account::Account;
use crate::{Error, Options};
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The variables that a server gets: ours hold secrets, and it may run as an account that others use.
const NEEDED: [&str; 7] =
    ["HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// A command with little environment; as `account` when we are root.
pub(crate) fn command(
    program: impl AsRef<OsStr>,
    options: &Options,
    account: Option<&Account>,
) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    let needed = |(name, _): &&(OsString, OsString)| NEEDED.iter().any(|needed| name == needed);
    command.envs(options.environment.iter().filter(needed).map(|(name, value)| (name, value)));
    if let Some(path) = &options.path {
        command.env("PATH", path);
    }
    command.env("LC_ALL", "C").stdin(Stdio::null());
    if let Some(account) = account {
        // std drops root's supplementary groups too, when it changes the user.
        command.uid(account.uid).gid(account.gid).current_dir("/");
    }
    command
}

/// Runs to the end and keeps what it printed.
pub(crate) fn run(command: &mut Command) -> Result<Output, Error> {
    let program = Path::new(command.get_program()).to_path_buf();
    command.output().map_err(|source| Error::Program { program, source })
}

/// Both outputs, one after the other: programs do not agree on where a mistake is told.
pub(crate) fn text(output: &Output) -> String {
    let err = String::from_utf8_lossy(&output.stderr);
    let out = String::from_utf8_lossy(&output.stdout);
    format!("{}\n{}", err.trim(), out.trim()).trim().to_owned()
}
