//! The grammar of the command line.

pub(crate) mod event;
pub(crate) mod job;
pub(crate) mod local;
pub(crate) mod queue;
pub(crate) mod remote;
pub(crate) mod value;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use event::EventCommand;
use job::JobCommand;
use local::{ConfigCommand, DatabaseCommand, Place, PostgresCommand, ServeArgs};
use queue::{QueueCommand, ScheduleCommand, WorkerCommand};
use remote::{KeyCommand, ProviderCommand, ToolCommand, UserCommand};

/// One server for the tools of AI agents, and the command line that talks to it.
#[derive(Debug, Parser)]
#[command(
    name = "mindflight",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    subcommand_required = true,
    after_help = "Try:\n  mindflight dev\n  mindflight tool list\n  mindflight tool call demo_greet name=Ada\n\n\
        The key to call with comes from MINDFLIGHT_KEY or MINDFLIGHT_KEY_FILE.\n\
        Exit codes: mindflight help exit-codes"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How to print: table, json, jsonl or name
    #[arg(
        short = 'o',
        long,
        global = true,
        value_enum,
        value_name = "FORM",
        default_value = "table",
        hide_possible_values = true
    )]
    pub(crate) output: Form,
    /// Only these members of each item, as name,error.code
    #[arg(long, global = true, value_name = "A,B.C", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// When to use colours: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        env = "MINDFLIGHT_COLOR",
        hide_possible_values = true,
        hide_env_values = true
    )]
    pub(crate) color: When,
    /// The server to talk to [default: the one that uses the data folder, then port 8080 here]
    #[arg(long, global = true, env = "MINDFLIGHT_URL", hide_env_values = true)]
    pub(crate) url: Option<String>,
    /// A file with the key to call with; without it, `MINDFLIGHT_KEY`
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "MINDFLIGHT_KEY_FILE",
        hide_env_values = true
    )]
    pub(crate) key_file: Option<PathBuf>,
    /// The longest a request may take, as 30s or 5m
    #[arg(long, global = true, value_name = "TIME", value_parser = value::duration, env = "MINDFLIGHT_TIMEOUT", hide_env_values = true)]
    pub(crate) timeout: Option<Duration>,
    /// The folder with the private database and the running server's address
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "MINDFLIGHT_DATA_DIR",
        hide_env_values = true
    )]
    pub(crate) data_dir: Option<PathBuf>,
}

/// How to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people; may change.
    #[default]
    Table,
    /// Exactly one document.
    Json,
    /// One object a line.
    Jsonl,
    /// Names alone.
    Name,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Also in files and pipes.
    Always,
    /// Nowhere.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server for development: own database, open on loopback
    #[command(
        after_help = "Examples:\n  mindflight dev\n  mindflight dev --listen 127.0.0.1:0 --set jobs.workers=2"
    )]
    Dev(ServeArgs),
    /// Run a server for production
    #[command(
        after_help = "Examples:\n  mindflight serve --config mindflight.yaml\n  mindflight serve --listen 0.0.0.0:8080 --set log.format=json"
    )]
    Serve(ServeArgs),
    /// Bring the database to this version's schema
    #[command(after_help = "Example:\n  mindflight migrate --config mindflight.yaml")]
    Migrate(Place),
    /// Check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// List, show and call tools
    #[command(subcommand, visible_alias = "tools")]
    Tool(ToolCommand),
    /// List providers, switch them on and off, make and check your own
    #[command(subcommand, visible_alias = "providers")]
    Provider(ProviderCommand),
    /// Make, list, watch and manage jobs
    #[command(subcommand, visible_alias = "jobs")]
    Job(JobCommand),
    /// Publish, list and follow events
    #[command(subcommand, visible_alias = "events")]
    Event(EventCommand),
    /// List, pause and resume queues
    #[command(subcommand, visible_alias = "queues")]
    Queue(QueueCommand),
    /// List schedules, run, pause and resume them
    #[command(subcommand, visible_alias = "schedules")]
    Schedule(ScheduleCommand),
    /// List the processes that run jobs
    #[command(subcommand, visible_alias = "workers")]
    Worker(WorkerCommand),
    /// Make, list and revoke API keys
    #[command(subcommand, visible_alias = "keys")]
    Key(KeyCommand),
    /// Make and list users
    #[command(subcommand, visible_alias = "users")]
    User(UserCommand),
    /// Find or install the PostgreSQL programs that `dev` runs
    #[command(subcommand)]
    Postgres(PostgresCommand),
    /// Reach the database of a data folder
    #[command(subcommand)]
    Db(DatabaseCommand),
    /// Say what an error code or a rule means and what to do; works offline
    #[command(
        after_help = "Examples:\n  mindflight explain invalid_arguments\n  mindflight explain P201\n  mindflight explain -o json"
    )]
    Explain {
        /// An error's code, or a rule's of provider check; without it, all are listed
        code: Option<String>,
    },
    /// Print the version
    #[command(after_help = "Example:\n  mindflight version -o json")]
    Version,
    /// Show help for a command, or the exit codes
    #[command(after_help = "Examples:\n  mindflight help tool call\n  mindflight help exit-codes")]
    Help {
        /// A command, or exit-codes
        topic: Vec<String>,
    },
}

/// The whole grammar, for documentation and its tests.
#[must_use]
pub fn command() -> clap::Command {
    crate::environment::unset_empty(Cli::command())
}
