//! The client against a server of canned answers.

mod answers;
mod canned;
mod requests;
mod retries;
