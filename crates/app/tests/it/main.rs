//! The real binary, over HTTP and on the command line.
#![expect(
    clippy::unwrap_used,
    clippy::let_underscore_must_use,
    reason = "a panic is how a test fails; of an answer often only its form is checked"
)]

mod access;
mod anonymous;
mod bad_input;
mod calls;
mod command_line;
mod compose;
mod event_chaos;
mod event_command_line;
mod events;
mod examples;
mod frozen;
mod health;
mod instances;
mod job_bad_input;
mod job_chaos;
mod jobs;
mod memory;
mod production;
mod provider_routes;
mod providers;
mod readme;
mod rig;
mod slop;
mod start;
mod tools;
