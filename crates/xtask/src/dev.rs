//! `cargo xtask dev`: from a fresh checkout to a running server.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::postgres;
use crate::workspace::Workspace;

/// What `cargo xtask dev` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build with optimisation.
    #[arg(long)]
    release: bool,
    /// Passed on to `mindflight dev`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    postgres::ensure_database("DATABASE_URL")?;
    let server = workspace.build_server(args.release)?;
    // The server takes our place, so that Ctrl-C and SIGTERM reach it and nobody else. It starts
    // where the developer stands: paths in its arguments are meant from there.
    let error = Command::new(&server).arg("dev").args(&args.args).exec();
    Err(error).with_context(|| format!("cannot start {}", server.display()))
}
