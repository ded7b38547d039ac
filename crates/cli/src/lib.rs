#![doc = include_str!("../README.md")]

mod access;
mod clock;
mod connect;
mod environment;
mod event;
mod exit;
mod explain;
mod failure;
mod help;
mod job;
mod local;
mod output;
mod parser;
mod provider;
mod queue;
mod quote;
mod run;
mod scaffold;
mod schedule;
mod tool;
mod worker;

pub use environment::Environment;
pub use exit::Exit;
pub use failure::{Failure, codes};
pub use local::{Local, Outcome, Rule};
pub use output::{Column, Output, Streams, Terminals};
pub use parser::command;
pub use parser::local::{
    ConfigCommand, DatabaseCommand, KeyCreate, Place, PostgresCommand, ProviderCheck, ServeArgs,
    Setting, UserCreate,
};
pub use quote::quoted;
pub use run::{execute, run};
