//! The real binary, over HTTP and on the command line.
#![expect(
    clippy::unwrap_used,
    clippy::let_underscore_must_use,
    reason = "a panic is how a test fails; of an answer often only its form is checked"
)]

mod access;
mod agents;
mod anonymous;
mod bad_input;
mod bundled;
mod calls;
mod command_line;
mod compose;
mod documents;
mod event_chaos;
mod event_command_line;
mod events;
mod examples;
mod frozen;
mod health;
mod how_to;
mod instances;
mod job_bad_input;
mod job_bulk;
mod job_chaos;
mod job_errors;
mod jobs;
mod memory;
mod outside;
mod production;
mod provider_check;
mod provider_routes;
mod providers;
mod readme;
mod rig;
mod scaffold;
mod shown;
mod slop;
mod start;
mod third_party;
mod tools;
mod tutorials;
