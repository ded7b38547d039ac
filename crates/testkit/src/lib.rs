#![doc = include_str!("../README.md")]

mod answer;
mod clock;
pub mod contract;
mod events;
mod facts;
mod graph;
mod jobs;
mod kit;
mod ledger;
mod memory;
mod outside;
mod refused;
mod reply;
mod request;
mod routing;
mod running;
mod snapshot;
mod state;
mod store;
mod watch;
mod webhook;
mod wire;

pub use answer::Answer;
pub use clock::Clock;
pub use events::Published;
pub use jobs::{
    AsJob, Crash, CrashMatrix, Drained, Effects, Ended, Enqueued, JobRun, RunningJob, Twice,
};
pub use kit::{Kit, Prepared};
pub use memory::Remembered;
pub use outside::{Expectation, Outside, Scripted, Sent};
pub use refused::Refused;
pub use reply::Reply;
pub use request::RequestBuilder;
pub use running::Running;
pub use webhook::Delivery;

/// What [`contract_tests!`] expands to needs this; not for use by hand.
#[doc(hidden)]
pub use serde_json;

/// The examples of the manual are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/tutorials/guestbook.md")]
pub struct Tutorial;

/// Those of the reference too.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/PROVIDERS.md")]
pub struct Reference;
