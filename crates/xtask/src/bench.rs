//! `cargo xtask bench`: builds what is measured and what measures it, then runs the measurement.

mod cluster;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use self::cluster::Measured;
use crate::postgres;
use crate::workspace::{Workspace, exit_code};

/// What `cargo xtask bench` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What is measured.
    measurement: Measurement,
    /// For the measurement: `tool-call [--seconds N] [--connections N] [--rounds N]`, `start [--rounds N]`,
    /// `jobs [--jobs N] [--rounds N] [--seconds N] [--only PART,…] [--backlog N] [--kind K --args JSON] [--env NAME=VALUE]`,
    /// `jobs --peers [DIR] [--jobs N] [--rounds N] [--seconds N] [--only PART,…]`,
    /// `events [--rounds N] [--seconds N] [--only PART,…] [--subscribers N] [--instances N] [--env NAME=VALUE]`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<OsString>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Measurement {
    /// A tool call beside a bare actix-web server that answers the same.
    ToolCall,
    /// Cold start, warm start and idle memory.
    Start,
    /// The job queue: making, running and waiting, with one process and with two; beside other queues with `--peers`.
    Jobs,
    /// The event log: from publishers to subscribers of three processes, and the cost of publishing.
    Events,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    // Always a cluster of its own: what somebody's database has to do besides would be measured too.
    postgres::ensure_programs()?;
    let [server, bench] = workspace.build(["mindflight", "mindflight-bench"], "bench")?;
    let measurement = match args.measurement {
        Measurement::ToolCall => "tool-call",
        Measurement::Start => "start",
        Measurement::Jobs => "jobs",
        Measurement::Events => "events",
    };
    let mut command = Command::new(&bench);
    command.args([measurement, "--server"]).arg(&server);
    if matches!(args.measurement, Measurement::Jobs | Measurement::Events) {
        let cluster = Measured::start()?;
        command.args(cluster.arguments());
        if matches!(args.measurement, Measurement::Jobs) {
            // Drivers of other queues lie beside the checkout, and are built where we build.
            command.arg("--checkout").arg(workspace.root());
            command.arg("--target").arg(workspace.target()?);
        }
        return exit_code(command.args(&args.args));
    }
    command.args(&args.args);
    // Nothing of ours is left running beside it.
    Err(command.exec()).with_context(|| format!("cannot start {}", bench.display()))
}
