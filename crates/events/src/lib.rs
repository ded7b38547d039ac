#![doc = include_str!("../README.md")]

mod consumers;
mod entry;
mod hub;
mod link;
mod listing;
mod log;
mod pause;
mod pump;
mod settings;
mod subscriber;

pub use consumers::{Consumer, Makes};
pub use entry::Delivery;
pub use listing::Listing;
pub use log::{Log, Parts};
pub use settings::Settings;
pub use subscriber::{Filter, Item, Start, Subscriber};
