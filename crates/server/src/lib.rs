#![doc = include_str!("../README.md")]

mod admission;
mod app;
mod auth;
mod background;
mod body;
pub mod config;
mod database;
mod engine;
mod events;
mod front;
mod health;
mod jobs;
mod limit;
mod mounts;
pub mod offline;
mod operation;
mod pointer;
mod provider_routes;
mod records;
mod refusal;
mod request;
mod routes;
mod secret;
mod serve;
mod slop;
mod start;
mod state;
mod streams;
mod supervisor;
mod telemetry;

pub use auth::{NewKey, WeakSecret};
pub use mindflight_core::Registry;
pub use secret::development_secret;
pub use serve::{announce, run};
pub use start::StartError;
