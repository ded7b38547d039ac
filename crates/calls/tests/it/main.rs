//! The pipeline, with a provider whose tools do what each test wants.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bench;
mod cache;
mod catalog;
mod ending;
mod limits;
