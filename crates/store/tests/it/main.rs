//! Every table family on a real database, one database a test.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod access;
mod admin;
mod audit;
mod away;
mod events;
mod job_cost;
mod job_locks;
mod job_making;
mod job_model;
mod job_rescue;
mod job_views;
mod jobs;
mod keys;
mod memory;
mod migrations;
mod past;
mod providers;
mod tokens;
mod transactions;
mod users;
