//! The client against a server of canned answers.

mod answers;
mod canned;
mod events;
mod jobs;
mod requests;
mod retries;
