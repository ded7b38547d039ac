#![doc = include_str!("../README.md")]

pub mod address;
mod allow;
mod attempt;
mod breaker;
mod clients;
mod exchange;
mod failure;
mod guard;
mod hop;
mod meters;
mod names;
mod outbound;
mod retry;
mod settings;

pub use allow::Allow;
pub use names::{Resolver, SystemResolver};
pub use outbound::Outbound;
pub use settings::Settings;
