#![doc = include_str!("../README.md")]

mod headers;
mod mac;
mod refusal;
mod signing;
mod timestamp;
mod verifying;

pub use signing::sign;
pub use timestamp::TOLERANCE;
pub use verifying::{verification, verify};
