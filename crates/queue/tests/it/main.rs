//! The engine on a real database: several engines in one process, each as if it were one.
#![expect(clippy::unwrap_used, reason = "what tests share fails them as a test itself does")]

mod bench;
mod cancel;
mod clocks;
mod crash;
mod ends;
mod failures;
mod fence;
mod graph_races;
mod graphs;
mod holes;
mod kinds;
mod limits;
mod line;
mod lost;
mod order;
mod outage;
mod prompt;
mod queue_limits;
mod race;
mod rates;
mod repair;
mod retention;
mod rig;
mod schedules;
mod shutdown;
mod unique;
