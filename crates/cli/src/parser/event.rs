//! `event`: the grammar of the commands about events.

use std::time::Duration;

use clap::{Args, Subcommand};
use mindflight_client::events::{After, Filter};

use super::remote::Pages;
use super::value;

#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Publish an event and print its id, alone
    #[command(after_help = "Examples:\n  mindflight event emit order.paid '{\"order\":7}'\n  \
        mindflight event emit order.paid @order.json --key 7 --id paid-7\n  \
        echo '{\"order\":7}' | mindflight event emit order.paid - --wait")]
    Emit(EventEmit),
    /// List events, newest first
    #[command(
        after_help = "With --after the oldest come first, so that a list goes on where another ended.\n\n\
        Examples:\n  mindflight event list\n  mindflight event list --type 'order.*' --source api --limit 10\n  \
        mindflight event list --after 3f9a1c2e-42 -o json"
    )]
    List(EventList),
    /// Show an event with its data
    #[command(
        after_help = "Examples:\n  mindflight event show 42\n  mindflight event show 3f9a1c2e-42\n  \
        mindflight event show paid-7 -o json --fields data"
    )]
    Show {
        /// Its id, its position, or its place
        #[arg(value_name = "ID|POSITION|PLACE")]
        which: String,
    },
    /// Print events as they are published
    #[command(
        after_help = "Goes on over restarts of the server, without missing an event. Ctrl-C ends it.\n\n\
        Examples:\n  mindflight event tail\n  mindflight event tail --type 'order.**' --count 1 -o json\n  \
        mindflight event tail --after 3f9a1c2e-42"
    )]
    Tail(EventTail),
}

#[derive(Debug, Args)]
pub(crate) struct EventEmit {
    /// The type: lower-case words joined by dots
    #[arg(value_name = "TYPE")]
    pub(crate) r#type: String,
    /// What happened, as JSON; @FILE reads a file, - standard input
    #[arg(value_name = "DATA", allow_hyphen_values = true)]
    pub(crate) data: Option<String>,
    /// What it belongs to: a word of yours
    #[arg(long)]
    pub(crate) key: Option<String>,
    /// Your id of it: the same again within 24 hours is the same event
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Wait until the event has its position, at most this long
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, value_parser = value::duration)]
    #[expect(
        clippy::option_option,
        reason = "the parser's form of a flag whose value may be left out"
    )]
    pub(crate) wait: Option<Option<Duration>>,
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only this type or pattern, as order.* or order.**; may be repeated
    #[arg(long = "type", value_name = "PATTERN")]
    pub(crate) types: Vec<String>,
    /// Only what this source published: a provider, api, or mindflight
    #[arg(long)]
    pub(crate) source: Option<String>,
    /// Only what comes after this place or position
    #[arg(long, value_name = "PLACE", value_parser = value::after)]
    pub(crate) after: Option<After>,
}

impl Which {
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            r#type: self.types.clone(),
            source: self.source.clone(),
            after: self.after.clone(),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct EventList {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) pages: Pages,
}

#[derive(Debug, Args)]
pub(crate) struct EventTail {
    #[command(flatten)]
    pub(crate) which: Which,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}
