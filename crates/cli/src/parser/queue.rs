//! `queue`, `schedule` and `worker`: the grammar of what runs jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, Subcommand};
use mindflight_api::ScheduleId;

use super::job::Wait;
use super::remote::Pages;
use super::value::{self, OrNone};

#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// List the queues: how full they are, who works on them
    #[command(after_help = "Example:\n  mindflight queue list")]
    List(Pages),
    /// Show a queue
    #[command(after_help = "Example:\n  mindflight queue show mail")]
    Show {
        /// The queue's name
        name: String,
    },
    /// Start no more jobs of a queue; those that run go on
    #[command(
        after_help = "Examples:\n  mindflight queue pause mail --reason 'vendor incident'\n  \
        mindflight queue pause mail --for 30m"
    )]
    Pause {
        /// The queue's name
        name: String,
        /// Why, for whoever finds its jobs waiting
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// How long, after which it ends by itself: 90s, 30m, 12h, 7d
        #[arg(long = "for", value_name = "SPAN", value_parser = value::duration, conflicts_with = "until")]
        span: Option<Duration>,
        /// When it ends by itself, as 2026-11-21T09:00:00Z
        #[arg(long, value_name = "TIME", value_parser = value::moment)]
        until: Option<DateTime<Utc>>,
    },
    /// Set the limits of a queue, on every instance
    #[command(after_help = "Examples:\n  mindflight queue set mail --rate 100/1m\n  \
        mindflight queue set mail --concurrency 4 --retention none")]
    #[command(override_usage = "mindflight queue set [OPTIONS] <NAME>")]
    #[command(group = ArgGroup::new("limits").required(true).multiple(true)
        .args(["concurrency", "rate", "retention"]))]
    Set {
        /// The queue's name
        name: String,
        /// Jobs of it that run at once at most; none: no limit
        #[arg(long, value_name = "N|none", value_parser = value::or_none::<u32>)]
        concurrency: Option<OrNone<u32>>,
        /// Jobs of it that start in a stretch of time at most, as 100/1m or 5/s; none: no limit
        #[arg(long, value_name = "RATE|none", value_parser = value::or_none::<String>)]
        rate: Option<OrNone<String>>,
        /// How long its jobs are kept after they ended, as 7d; none: as long as all others
        #[arg(long, value_name = "SPAN|none", value_parser = value::or_none::<String>)]
        retention: Option<OrNone<String>>,
    },
    /// Start jobs of a queue again
    #[command(after_help = "Example:\n  mindflight queue resume mail")]
    Resume {
        /// The queue's name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules
    #[command(after_help = "Example:\n  mindflight schedule list")]
    List(Pages),
    /// Show a schedule
    #[command(
        after_help = "Example:\n  mindflight schedule show 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"
    )]
    Show(ScheduleName),
    /// List the next times, of one schedule or of all
    #[command(after_help = "Examples:\n  mindflight schedule next\n  \
        mindflight schedule next 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11")]
    Next {
        /// The schedule's id; without it, all
        #[arg(value_parser = value::id::<ScheduleId>)]
        id: Option<ScheduleId>,
    },
    /// Make one job of a schedule now and print its id, alone
    #[command(
        after_help = "Example:\n  mindflight schedule run 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --wait"
    )]
    Run {
        #[command(flatten)]
        schedule: ScheduleName,
        #[command(flatten)]
        wait: Wait,
    },
    /// Make no more jobs by the clock
    #[command(
        after_help = "Example:\n  mindflight schedule pause 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"
    )]
    Pause(ScheduleName),
    /// Make jobs by the clock again
    #[command(
        after_help = "Example:\n  mindflight schedule resume 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"
    )]
    Resume(ScheduleName),
}

/// Which schedule.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ScheduleName {
    /// The schedule's id, as schedule list shows it
    #[arg(value_parser = value::id::<ScheduleId>)]
    pub(crate) id: ScheduleId,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WorkerCommand {
    /// List the processes that run jobs
    #[command(after_help = "Example:\n  mindflight worker list")]
    List(Pages),
    /// Show a process that runs jobs
    #[command(after_help = "Example:\n  mindflight worker show 7")]
    Show {
        /// Its number, as worker list shows it
        #[arg(value_name = "ID")]
        id: i64,
    },
}
