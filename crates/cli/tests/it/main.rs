//! The command line from words to exit code, against a server of canned answers.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod calls;
mod canned;
mod commands;
mod console;
mod documented;
mod environment;
mod events;
mod forms;
mod grammar;
mod job_changes;
mod job_watching;
mod jobs;
mod queues;
mod servers;
