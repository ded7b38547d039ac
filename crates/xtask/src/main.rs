//! `cargo xtask …`: the commands of those who work on mindflight.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for developers talks on the terminal"
)]

mod bench;
mod book;
mod chaos;
mod ci;
mod dev;
mod outside;
mod postgres;
mod prepare;
mod soak;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The commands of those who work on mindflight.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the server and runs `mindflight dev`, with a database of its own if none is given.
    Dev(dev::Args),
    /// Runs every test on a real PostgreSQL, then the doctests.
    Test(test::Args),
    /// Runs what continuous integration runs: format, lints, docs, book, tests, chaos.
    Ci,
    /// Builds the manual from `docs/`, with mdBook, which is installed if it is missing.
    Book(book::Args),
    /// Installs the PostgreSQL programs, unless this machine has them.
    GetPostgres,
    /// Measures the server in a run of its own, and prints the figures.
    Bench(bench::Args),
    /// Makes jobs while servers are killed and the database is cut off, and checks that each has counted once.
    Chaos(chaos::Args),
    /// Makes and runs jobs for long, and checks that nothing declines or grows.
    Soak(soak::Args),
    /// Refreshes `.sqlx`, which describes the checked queries to builds without a database, and the examples' lock files.
    Prepare(prepare::Args),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Dev(args) => dev::run(&workspace, &args),
        Command::Test(args) => test::run(&workspace, &args),
        Command::Ci => ci::run(&workspace),
        Command::Book(args) => book::run(&workspace, &args),
        Command::GetPostgres => postgres::get(),
        Command::Bench(args) => bench::run(&workspace, &args),
        Command::Chaos(args) => chaos::run(&workspace, &args),
        Command::Soak(args) => soak::run(&workspace, &args),
        Command::Prepare(args) => prepare::run(&workspace, &args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_after_dev_test_and_bench_belong_to_the_program_that_is_run() {
        let Command::Dev(dev) =
            Cli::parse_from(["cargo xtask", "dev", "--listen", "127.0.0.1:0"]).command
        else {
            panic!("`dev` was not read as dev");
        };
        assert_eq!(dev.args, ["--listen", "127.0.0.1:0"]);
        let Command::Test(test) =
            Cli::parse_from(["cargo xtask", "test", "-p", "mindflight-core", "lease"]).command
        else {
            panic!("`test` was not read as test");
        };
        assert_eq!(test.args, ["-p", "mindflight-core", "lease"]);
        let Command::Bench(bench) =
            Cli::parse_from(["cargo xtask", "bench", "tool-call", "--seconds", "2"]).command
        else {
            panic!("`bench` was not read as bench");
        };
        assert_eq!(bench.args, ["--seconds", "2"]);
    }
}
