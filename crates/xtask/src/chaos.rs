//! `cargo xtask chaos`: jobs all the time, while servers are killed and the database is cut off and restarted.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::postgres;
use crate::workspace::Workspace;

/// What `cargo xtask chaos` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Jobs that are made, over the whole time
    #[arg(long, default_value_t = 100_000)]
    jobs: u64,
    /// How long jobs are made and faults injected
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Repeats the faults of a run that has printed it
    #[arg(long)]
    seed: Option<u64>,
    /// Servers
    #[arg(long, default_value_t = 3)]
    instances: u16,
    /// How the server is built
    #[arg(long, value_enum, default_value_t = Profile::Bench)]
    profile: Profile,
    /// Keeps logs and database also if nothing is wrong
    #[arg(long)]
    keep: bool,
}

/// How a server is built that is put to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// As the tests build it: nothing is built twice
    Dev,
    /// Optimised
    Bench,
}

impl Profile {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Bench => "bench",
        }
    }
}

pub(crate) fn run(workspace: &Workspace, args: &Args) -> Result<ExitCode> {
    become_program(workspace, args.profile, arguments(args))
}

/// Builds server and measuring program, and becomes the latter with these arguments.
pub(crate) fn become_program(
    workspace: &Workspace,
    profile: Profile,
    arguments: Vec<OsString>,
) -> Result<ExitCode> {
    postgres::ensure_programs()?;
    let [server, bench] = workspace.build(["mindflight", "mindflight-bench"], profile.name())?;
    let mut command = Command::new(&bench);
    command.args(arguments).arg("--server").arg(server);
    // Nothing of ours is left running beside it.
    Err(command.exec()).with_context(|| format!("cannot start {}", bench.display()))
}

fn arguments(args: &Args) -> Vec<OsString> {
    let mut all = vec![
        "chaos".to_owned(),
        format!("--jobs={}", args.jobs),
        format!("--minutes={}", args.minutes),
        format!("--instances={}", args.instances),
        format!("--called=cargo xtask chaos --profile {}", args.profile.name()),
    ];
    all.extend(args.keep.then(|| "--keep".to_owned()));
    all.extend(args.seed.map(|seed| format!("--seed={seed}")));
    all.into_iter().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn a_seed_is_passed_on_only_if_it_is_given() {
        let args = |line: &[&str]| {
            let line = ["chaos"].iter().chain(line);
            arguments(&Alone::parse_from(line).args)
        };
        let usual = args(&[]);
        assert!(usual.contains(&"--jobs=100000".into()) && usual.contains(&"--minutes=5".into()));
        assert!(!usual.iter().any(|one| one.to_string_lossy().starts_with("--seed")));
        let again = args(&["--seed", "7", "--profile", "dev"]);
        assert!(again.contains(&"--seed=7".into()));
        assert!(again.contains(&"--called=cargo xtask chaos --profile dev".into()));
    }
}
