//! The event log on a real database: several logs in one process, each as if it were one.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod consumers;
mod cost;
mod listen;
mod log;
mod lost;
mod order;
mod peers;
mod restore;
mod retention;
mod rig;
mod subscribers;
mod tls;
