//! Commands that talk to a server.

use clap::{Args, Subcommand, ValueEnum};
use mindflight_api::{KeyId, tool};
use mindflight_client::Paging;

use super::local::{KeyCreate, ProviderCheck, ProviderNew, UserCreate};
use super::value;

#[derive(Debug, Subcommand)]
pub(crate) enum ToolCommand {
    /// List the tools that you may call
    #[command(
        after_help = "Examples:\n  mindflight tool list\n  mindflight tool list --provider demo -o name\n  mindflight tool list --format openai > tools.json"
    )]
    List(ToolList),
    /// Show a tool: what it does, its arguments and its result
    #[command(
        after_help = "Examples:\n  mindflight tool show demo_add\n  mindflight tool show demo_add -o json --fields input_schema"
    )]
    Show {
        /// The tool's name
        name: String,
    },
    /// Call a tool and print its result
    #[command(
        after_help = "Examples:\n  mindflight tool call demo_add a=1 b=2\n  mindflight tool call demo_add --json '{\"a\":1,\"b\":2}'\n  \
        mindflight tool call demo_add --json @args.json\n  mindflight tool call demo_add a=1 b=2 --async\n  echo '{\"a\":1,\"b\":2}' | mindflight tool call demo_add --json -"
    )]
    Call(ToolCall),
}

#[derive(Debug, Args)]
pub(crate) struct ToolList {
    /// Only this provider's tools
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only tools that these words find
    #[arg(long, short, value_name = "WORDS")]
    pub(crate) query: Option<String>,
    /// Print them as JSON in the shape of full, openai, anthropic or mcp
    #[arg(long, value_enum, hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    #[command(flatten)]
    pub(crate) pages: Pages,
}

/// In which shape tools are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Full,
    #[value(name = "openai")]
    OpenAi,
    Anthropic,
    Mcp,
}

impl From<Format> for tool::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Full => Self::Full,
            Format::OpenAi => Self::OpenAi,
            Format::Anthropic => Self::Anthropic,
            Format::Mcp => Self::Mcp,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ToolCall {
    /// The tool's name
    pub(crate) name: String,
    /// Arguments; typed by the tool's schema, a repeated key makes a list
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) arguments: Vec<String>,
    /// All arguments as one JSON object; @FILE reads a file, - standard input
    #[arg(long, value_name = "JSON", conflicts_with = "arguments", allow_hyphen_values = true)]
    pub(crate) json: Option<String>,
    /// Run it as a job and print the job's id instead of waiting for the result
    #[arg(long)]
    pub(crate) r#async: bool,
}

/// Which part of a long list.
#[derive(Debug, Args)]
pub(crate) struct Pages {
    /// How many items at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// Go on where a list ended: its `next`
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

impl Pages {
    pub(crate) fn paging(&self) -> Paging {
        Paging { limit: self.limit, cursor: self.cursor.clone() }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProviderCommand {
    /// List all providers, also those that are off
    #[command(
        after_help = "Examples:\n  mindflight provider list\n  mindflight provider list -o json --fields name,state,reason"
    )]
    List,
    /// Switch a provider on, on every instance
    #[command(after_help = "Example:\n  mindflight provider enable demo")]
    Enable {
        /// The provider's name
        name: String,
    },
    /// Switch a provider off, on every instance
    #[command(after_help = "Example:\n  mindflight provider disable demo")]
    Disable {
        /// The provider's name
        name: String,
    },
    /// Write the crate of a new provider, with tests and a server of its own
    #[command(
        after_help = "Examples:\n  mindflight provider new weather\n  mindflight provider new weather --dir ~/src"
    )]
    New(ProviderNew),
    /// Look for what is wrong with the names, texts, schemas and options of providers
    #[command(
        after_help = "Examples:\n  mindflight provider check\n  mindflight provider check weather --strict\n  mindflight provider check -o json\n\n\
        What a code means: mindflight explain P201"
    )]
    Check(ProviderCheck),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key in the database itself and print it, alone
    #[command(
        after_help = "Examples:\n  export MINDFLIGHT_KEY=\"$(mindflight key create --name me --scopes admin)\"\n  \
        mindflight key create --name ci --scopes tools:call --expires 30d"
    )]
    Create(KeyCreate),
    /// List the keys, without their secrets
    #[command(after_help = "Example:\n  mindflight key list")]
    List(Pages),
    /// Make a key stop working
    #[command(
        after_help = "Example:\n  mindflight key revoke 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11"
    )]
    Revoke {
        /// The key's id, as key list shows it
        #[arg(value_parser = value::id::<KeyId>)]
        id: KeyId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Make a user in the database itself and print the id, alone
    #[command(
        after_help = "Example:\n  mindflight user create --username ana --role admin < password.txt"
    )]
    Create(UserCreate),
    /// List the users
    #[command(after_help = "Example:\n  mindflight user list")]
    List(Pages),
}
