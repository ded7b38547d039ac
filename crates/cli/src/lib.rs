#![doc = include_str!("../README.md")]

mod access;
mod connect;
mod environment;
mod exit;
mod explain;
mod failure;
mod help;
mod local;
mod output;
mod parser;
mod provider;
mod run;
mod tool;

pub use environment::Environment;
pub use exit::Exit;
pub use failure::{Failure, codes};
pub use local::{Local, Outcome};
pub use output::{Column, Output, Streams, Terminals};
pub use parser::command;
pub use parser::local::{
    ConfigCommand, DatabaseCommand, KeyCreate, Place, PostgresCommand, ServeArgs, Setting,
    UserCreate,
};
pub use run::{execute, run};
