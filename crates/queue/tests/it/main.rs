//! The engine on a real database: several engines in one process, each as if it were one.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod bench;
mod cancel;
mod crash;
mod ends;
mod fence;
mod kinds;
mod limits;
mod order;
mod outage;
mod race;
mod repair;
mod retention;
mod rig;
mod schedules;
mod shutdown;
mod unique;
