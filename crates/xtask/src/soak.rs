//! `cargo xtask soak`: producers and servers together for long, and whether anything declines or grows.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;

use crate::chaos::{Profile, become_program};
use crate::workspace::Workspace;

/// What `cargo xtask soak` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long jobs are made
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Jobs made a second
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    /// Minutes at the beginning that are not judged; by default 5, and a quarter of a run that is shorter than 20
    #[arg(long)]
    warm_up: Option<f64>,
    /// Seconds between two lines; by default 60, and less in a run that is shorter than 12 minutes
    #[arg(long)]
    every: Option<f64>,
    /// Servers
    #[arg(long, default_value_t = 2)]
    instances: u16,
    /// Jobs in a call
    #[arg(long, default_value_t = 10)]
    batch: u32,
    /// How the server is built
    #[arg(long, value_enum, default_value_t = Profile::Bench)]
    profile: Profile,
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    become_program(workspace, args.profile, arguments(args))
}

fn arguments(args: &Args) -> Vec<OsString> {
    let mut all = vec![
        "soak".to_owned(),
        format!("--minutes={}", args.minutes),
        format!("--rate={}", args.rate),
        format!("--instances={}", args.instances),
        format!("--batch={}", args.batch),
    ];
    all.extend(args.warm_up.map(|minutes| format!("--warm-up={minutes}")));
    all.extend(args.every.map(|seconds| format!("--every={seconds}")));
    all.into_iter().map(OsString::from).collect()
}
