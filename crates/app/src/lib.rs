#![doc = include_str!("../README.md")]

mod commands;
mod config;
mod database;
mod failures;
mod provider_check;
mod providers;
mod serve;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    // The allocator's large pages would double what an idle server keeps in memory. A kernel
    // without them has nothing to switch off.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).unwrap_or_default();
    mindflight_cli::run(std::env::args_os(), &commands::Commands)
}
