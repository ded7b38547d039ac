//! `mindflight-bench`: measures the server from outside, beside a bare one in the same run.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for developers talks on the terminal"
)]

mod answer;
mod bare;
mod chaos;
mod events;
mod guard;
mod histogram;
mod instance;
mod jobs;
mod load;
mod machine;
mod peer;
mod peers;
mod processes;
mod program;
mod question;
mod soak;
mod start;
mod table;
mod tool_call;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

// The server's allocator: the comparison is about what the server does, not about who allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the mindflight server. `cargo xtask bench` builds what this needs and runs it.
#[derive(Parser)]
#[command(name = "mindflight-bench", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Compares a tool call with a bare actix-web server that answers the same.
    ToolCall(tool_call::Args),
    /// Times cold and warm starts, and weighs the idle server.
    Start(start::Args),
    /// Measures the job queue: enqueueing, draining, latency, steady load.
    Jobs(jobs::Args),
    /// Measures the event log: how soon published events reach subscribers, and what publishing costs.
    Events(events::Args),
    /// Is a driver of the job queue, as a script measures other queues by theirs.
    Peer(peer::Args),
    /// Makes jobs while servers die and the database is cut off, and counts them at the end.
    Chaos(chaos::Args),
    /// Makes and runs jobs for long, and looks whether anything declines or grows.
    Soak(soak::Args),
    /// Runs the bare server until it is ended.
    ServeBare(bare::Args),
    /// Loads one server and prints what it did.
    Load(load::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::ToolCall(args) => tool_call::run(&args),
        Command::Start(args) => start::run(&args),
        Command::Jobs(args) => jobs::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Peer(args) => peer::run(&args),
        Command::Chaos(args) => chaos::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::ServeBare(args) => bare::run(&args),
        Command::Load(args) => load::print(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
