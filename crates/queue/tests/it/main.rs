//! The engine on a real database: several engines in one process, each as if it were one.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod bench;
mod ends;
mod rig;
