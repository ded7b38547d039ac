#![doc = include_str!("../README.md")]

pub mod access;
pub mod audit;
mod client;
mod error;
pub mod events;
mod health;
pub mod jobs;
pub mod memory;
mod paging;
pub mod providers;
pub mod queues;
pub mod schedules;
pub mod tools;
mod transport;
pub mod workers;

pub use client::{Client, Settings};
pub use error::{Cause, Error, Result};
pub use paging::Paging;
