#![doc = include_str!("../README.md")]

pub mod canned;
mod clock;
mod cluster;
mod database;
mod http;
mod instance;
mod maker;
mod wire;

pub use clock::TestClock;
pub use database::TestDb;
pub use http::{Answer, Call};
pub use instance::{Ended, Instance, Launch};
pub use wire::Wire;
