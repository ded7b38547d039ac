//! Real servers, really killed.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod crash;
mod folder;
mod ground;
mod install;
mod life;
mod programs;
mod wire;
