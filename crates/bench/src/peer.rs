//! `peer`: our queue as the drivers of other queues drive theirs, so that one script measures them all.
//!
//! Its commands, its variables and the lines it prints are those of the drivers: `READY` when a worker is ready, `F` with
//! the time of the first handler's start, `P` with how many have ended, `T` with the seconds that producing took. Times
//! are those of the monotonic clock in microseconds, which all processes of a machine share.

mod engine;
mod kind;
mod monotonic;
mod producer;
mod worker;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Subcommand, ValueEnum};
use tokio::runtime::Builder;

use self::engine::Options;

/// What `mindflight-bench peer` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
    /// The database
    #[arg(long, env = "DATABASE_URL", global = true, default_value = "", hide_env_values = true)]
    database_url: String,
    /// Whether the ends of jobs are kept; a worker's configuration goes before it
    #[arg(long, env = "HISTORY", global = true, default_value_t = 1)]
    history: u8,
    /// Jobs in each call of `paced`
    #[arg(long, env = "BATCH_ENQ", global = true, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    batch: u64,
    /// Jobs that a worker runs at the same time; the engine's default if not given
    #[arg(long, env = "CONC", global = true)]
    slots: Option<usize>,
    /// Where a worker writes the latencies of its jobs when it ends
    #[arg(long, env = "LAT_FILE", global = true)]
    latencies: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Task {
    /// Brings the database to our schema
    Setup,
    /// Makes jobs in calls of many, one call after the other
    Bulk { jobs: u64, call: u64 },
    /// Makes jobs one by one, as fast as so many callers can
    Single { jobs: u64, callers: usize },
    /// Makes jobs at a rate, by so many callers
    Paced { rate: f64, jobs: u64, callers: usize },
    /// Runs jobs until SIGTERM
    Worker { configuration: Configuration },
}

/// How a worker treats jobs that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Configuration {
    /// Jobs and their ends are kept.
    History,
    /// What has succeeded is forgotten.
    Forget,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let keeps_history = match &args.task {
        Task::Worker { configuration } => *configuration == Configuration::History,
        Task::Setup | Task::Bulk { .. } | Task::Single { .. } | Task::Paced { .. } => {
            args.history != 0
        }
    };
    let options = Options { url: args.database_url.clone(), keeps_history, slots: args.slots };
    // As the others' are: as many threads as there are cores.
    let runtime =
        Builder::new_multi_thread().enable_all().build().context("no runtime could be started")?;
    runtime.block_on(async {
        match args.task {
            Task::Setup => engine::migrate(&options).await,
            Task::Bulk { jobs, call } => producer::bulk(&options, jobs, call).await,
            Task::Single { jobs, callers } => producer::single(&options, jobs, callers).await,
            Task::Paced { rate, jobs, callers } => {
                let pace = producer::Pace { rate, jobs, callers, call: args.batch };
                producer::paced(&options, pace).await
            }
            Task::Worker { .. } => worker::run(&options, args.latencies.as_deref()).await,
        }
    })
}
