//! `job`: the grammar of the commands about jobs.

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use mindflight_api::JobId;

use super::remote::Pages;
use super::value;

#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List jobs, newest first
    #[command(
        after_help = "Filters, all of which must fit:\n  state:failed,retrying  kind:demo.sleep  queue:mail  \
        provider:demo\n  tag:nightly  error:0f3a9d2b115e0f3a  since:24h  until:2026-01-31\n  args.user.id=7\n\n\
        Examples:\n  mindflight job list\n  mindflight job list state:failed queue:mail since:24h\n  \
        mindflight job list kind:demo.sleep args.ms=50 -o json"
    )]
    List(JobList),
    /// Show a job with its attempts
    #[command(
        after_help = "Examples:\n  mindflight job show 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job show 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --result"
    )]
    Show {
        /// The job's id
        #[arg(value_parser = value::id::<JobId>)]
        id: JobId,
        /// Print the result alone
        #[arg(long)]
        result: bool,
    },
    /// Watch a job until it has ended
    #[command(
        after_help = "Ends with 0 if the job succeeded, 1 if it failed or was cancelled, 7 if --timeout\nran out. \
        Ctrl-C stops watching; the job goes on.\n\n\
        Examples:\n  mindflight job watch 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job watch 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --timeout 5m"
    )]
    Watch {
        /// The job's id
        #[arg(value_parser = value::id::<JobId>)]
        id: JobId,
    },
    /// Print what a job's handler logged
    #[command(
        after_help = "Examples:\n  mindflight job logs 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job logs 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 -f"
    )]
    Logs(JobLogs),
    /// Say why a job is in its state, and what to do next
    #[command(after_help = "Example:\n  mindflight job why 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11")]
    Why {
        /// The job's id
        #[arg(value_parser = value::id::<JobId>)]
        id: JobId,
    },
    /// Run jobs again now, with fresh attempts
    #[command(
        after_help = "Examples:\n  mindflight job retry 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job retry state:failed queue:mail since:24h --dry-run\n  \
        mindflight job retry state:failed queue:mail since:24h --yes\n\n\
        More than 1,000 are left to a job of the server, which is watched; Ctrl-C stops\nit."
    )]
    Retry(JobChange),
    /// Stop jobs: waiting ones at once, running ones when they notice
    #[command(
        after_help = "Examples:\n  mindflight job cancel 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job cancel kind:demo.sleep state:queued --yes\n\n\
        More than 1,000 are left to a job of the server, which is watched; Ctrl-C stops\nit."
    )]
    Cancel(JobChange),
    /// Forget jobs that do not run
    #[command(
        after_help = "Examples:\n  mindflight job delete 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job delete state:succeeded until:30d --yes\n  \
        mindflight job delete state:succeeded until:30d --yes --async\n\n\
        More than 1,000 are left to a job of the server, which is watched; Ctrl-C stops\nit."
    )]
    Delete(JobChange),
    /// Have a job that does not run wait until another time
    #[command(
        after_help = "Examples:\n  mindflight job snooze 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --for 10m\n  \
        mindflight job snooze 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11 --until 2026-01-31T18:00:00Z"
    )]
    Snooze(JobSnooze),
    /// Make a job and print its id, alone
    #[command(after_help = "Examples:\n  mindflight job enqueue demo.sleep ms=50\n  \
        mindflight job enqueue demo.sleep ms=50 --delay 5m --unique-key nap\n  \
        mindflight job enqueue demo.sum --after 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11\n  \
        mindflight job enqueue demo.sleep --args @args.json --wait=30s")]
    Enqueue(Box<JobEnqueue>),
    /// List how jobs failed, each failure that is the same once, newest first
    #[command(
        after_help = "Examples:\n  mindflight job errors\n  mindflight job errors --kind mail.send --since 24h\n  \
        mindflight job list error:0f3a9d2b115e0f3a\n  mindflight job retry error:0f3a9d2b115e0f3a --yes"
    )]
    Errors(JobErrors),
    /// List the kinds of jobs, or show one: limits, retries, arguments
    #[command(after_help = "Examples:\n  mindflight job kinds\n  mindflight job kinds demo.sleep")]
    Kinds {
        /// The kind of job: PROVIDER.KIND
        kind: Option<String>,
    },
    /// Count jobs by state
    #[command(after_help = "Examples:\n  mindflight job stats\n  mindflight job stats queue:mail")]
    Stats {
        /// Only these: kind:NAME, queue:NAME, provider:NAME
        #[arg(value_name = "FILTER")]
        words: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JobList {
    /// Only jobs that fit, as state:failed or args.key=value
    #[arg(value_name = "FILTER")]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) pages: Pages,
}

#[derive(Debug, Args)]
pub(crate) struct JobErrors {
    /// Only failures of this kind
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only what was seen since then: 24h, or 2026-01-31
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    #[command(flatten)]
    pub(crate) pages: Pages,
}

#[derive(Debug, Args)]
pub(crate) struct JobLogs {
    /// The job's id
    #[arg(value_parser = value::id::<JobId>)]
    pub(crate) id: JobId,
    /// Go on until the job has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) pages: Pages,
}

#[derive(Debug, Args)]
pub(crate) struct JobChange {
    /// Ids, or filters as state:failed queue:mail
    #[arg(value_name = "ID|FILTER", required = true)]
    pub(crate) words: Vec<String>,
    /// Do it to all that the filters find
    #[arg(long)]
    pub(crate) yes: bool,
    /// List what would be touched; change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave it to a job of the server from the first one on, and watch that; more than 1,000 always are
    #[arg(long)]
    pub(crate) wait: bool,
    /// Leave it to a job of the server and print that job's id, alone
    #[arg(long = "async", conflicts_with = "wait")]
    pub(crate) detached: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobSnooze {
    /// The job's id
    #[arg(value_parser = value::id::<JobId>)]
    pub(crate) id: JobId,
    /// How long from now on, as 10m
    #[arg(long = "for", value_name = "TIME", value_parser = value::delay, required_unless_present = "until")]
    pub(crate) span: Option<Duration>,
    /// Until when, as 2026-01-31T18:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = value::moment, conflicts_with = "span")]
    pub(crate) until: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub(crate) struct JobEnqueue {
    /// The kind of job: PROVIDER.KIND
    pub(crate) kind: String,
    /// Arguments; what is JSON is taken as JSON, a repeated key makes a list
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// All arguments as one JSON object; @FILE reads a file, - standard input
    #[arg(long, value_name = "JSON", conflicts_with = "arguments", allow_hyphen_values = true)]
    pub(crate) args: Option<String>,
    /// Start no earlier than after this long, as 5m
    #[arg(long, value_name = "TIME", value_parser = value::delay, conflicts_with = "run_at")]
    pub(crate) delay: Option<Duration>,
    /// Start no earlier, as 2026-01-31T18:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = value::moment)]
    pub(crate) run_at: Option<DateTime<Utc>>,
    /// The queue, instead of the kind's own
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// 0 to 9, lower first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) priority: Option<u8>,
    /// While a job of this kind with this key has not ended, make no second one
    #[arg(long, value_name = "KEY")]
    pub(crate) unique_key: Option<String>,
    /// Make no second one within this stretch of time, as 1h; compares the arguments unless there is a key
    #[arg(long, value_name = "TIME", value_parser = value::delay)]
    pub(crate) unique_period: Option<Duration>,
    /// When another may be made: at the start or end of the job, or when the period is over
    #[arg(long, value_name = "WHEN", value_parser = ["start", "end", "period"])]
    pub(crate) unique_release: Option<String>,
    /// Start once this job has ended; may be repeated
    #[arg(long, value_name = "ID", value_parser = value::id::<JobId>, conflicts_with_all = ["delay", "run_at"])]
    pub(crate) after: Vec<JobId>,
    /// When a job of --after does not succeed: cancel this one too, or run it all the same
    #[arg(long, value_name = "WHAT", value_parser = ["cancel", "run"], requires = "after")]
    pub(crate) on_failure: Option<String>,
    /// Attempts before the job has failed, 1 to 1000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_attempts: Option<u32>,
    /// A word to find the job by; may be repeated
    #[arg(long, value_name = "WORD")]
    pub(crate) tag: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// Whether what was made is watched.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Wait {
    /// Watch the job until it has ended, at most this long
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, value_parser = value::duration)]
    #[expect(
        clippy::option_option,
        reason = "the parser's form of a flag whose value may be left out"
    )]
    pub(crate) wait: Option<Option<Duration>>,
}
