#![doc = include_str!("../README.md")]

mod clock;
mod cluster;
mod database;
mod http;
mod instance;
mod maker;

pub use clock::TestClock;
pub use database::TestDb;
pub use http::{Answer, Call};
pub use instance::{Ended, Instance, Launch};
