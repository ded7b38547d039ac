//! Commands that work on this machine: their arguments, as the binary gets them.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use mindflight_api::{Role, Scope};

use super::value;

/// Which configuration and which data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Place {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "MINDFLIGHT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Override one setting; may be repeated
    #[arg(long, value_name = "SECTION.KEY=VALUE", value_parser = value::setting)]
    pub set: Vec<Setting>,
    /// `--data-dir`, which every command understands.
    #[arg(skip)]
    pub data_dir: Option<PathBuf>,
}

/// One `--set section.key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The path, with dots.
    pub key: String,
    /// The text after the first `=`.
    pub value: String,
}

/// `serve` and `dev`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ServeArgs {
    /// Where to listen [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = value::address)]
    pub listen: Option<SocketAddr>,
    /// Which configuration and data.
    #[command(flatten)]
    pub place: Place,
}

/// `config …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration; print every mistake
    #[command(after_help = "Example:\n  mindflight config check --config mindflight.yaml")]
    Check {
        /// Which configuration.
        #[command(flatten)]
        place: Place,
    },
    /// Show the configuration in force, secrets hidden
    #[command(
        after_help = "Examples:\n  mindflight config show --origin\n  mindflight config show -o json"
    )]
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
        /// Which configuration.
        #[command(flatten)]
        place: Place,
    },
    /// Print the JSON Schema of the configuration file
    #[command(after_help = "Example:\n  mindflight config schema > mindflight.schema.json")]
    Schema,
}

/// `key create`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct KeyCreate {
    /// What people call the key
    #[arg(long)]
    pub name: String,
    /// What the key may do, as tools:call,memory
    #[arg(long, required = true, value_name = "A,B", value_delimiter = ',', value_parser = value::scope)]
    pub scopes: Vec<Scope>,
    /// Requests a minute, instead of the server's default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
    /// How long the key works, as 30d; for ever unless given
    #[arg(long, value_name = "TIME", value_parser = value::duration)]
    pub expires: Option<Duration>,
    /// Which database.
    #[command(flatten)]
    pub place: Place,
}

/// `user create`. The password is handed over beside it.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UserCreate {
    /// The name to sign in with
    #[arg(long)]
    pub username: String,
    /// What the user may do: viewer, operator or admin
    #[arg(long, default_value = "viewer", value_parser = value::role)]
    pub role: Role,
    /// A file with the password; without it `MINDFLIGHT_PASSWORD`, then standard input
    #[arg(long, value_name = "FILE", env = "MINDFLIGHT_PASSWORD_FILE", hide_env_values = true)]
    pub password_file: Option<PathBuf>,
    /// Which database.
    #[command(flatten)]
    pub place: Place,
}

/// `provider check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ProviderCheck {
    /// The providers' names; without one, all that this program has
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Warnings count as errors
    #[arg(long)]
    pub strict: bool,
    /// Which configuration.
    #[command(flatten)]
    pub place: Place,
}

/// `provider new`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(crate) struct ProviderNew {
    /// What the provider is called: a-z, 0-9 and _
    pub(crate) name: String,
    /// The folder to make its folder in [default: here]
    #[arg(long, value_name = "PARENT")]
    pub(crate) dir: Option<PathBuf>,
}

/// `postgres …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PostgresCommand {
    /// Install the PostgreSQL programs into the data folder
    #[command(after_help = "Example:\n  mindflight postgres install")]
    Install {
        /// Which data folder.
        #[command(flatten)]
        place: Place,
    },
    /// Print where the PostgreSQL programs are
    #[command(after_help = "Example:\n  mindflight postgres find")]
    Find {
        /// Which data folder.
        #[command(flatten)]
        place: Place,
    },
}

/// `db …`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DatabaseCommand {
    /// Print the URL of the database
    #[command(after_help = "Example:\n  psql \"$(mindflight db url)\"")]
    Url {
        /// Which database.
        #[command(flatten)]
        place: Place,
    },
    /// Open psql on the database
    #[command(
        after_help = "Examples:\n  mindflight db psql\n  mindflight db psql -- -c 'SELECT 1'"
    )]
    Psql {
        /// Arguments for psql, after --
        #[arg(last = true)]
        arguments: Vec<OsString>,
        /// Which database.
        #[command(flatten)]
        place: Place,
    },
}
