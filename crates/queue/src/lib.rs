#![doc = include_str!("../README.md")]

mod attempt;
mod backlog;
mod caller;
mod claimer;
mod completer;
mod cron;
mod engine;
mod enqueue;
mod error;
mod held;
mod keeper;
mod kinds;
mod meters;
mod numbers;
mod pace;
mod pulse;
mod queue;
mod recorder;
mod resolve;
mod said;
mod schedules;
mod settings;
mod transactions;
mod unwritten;
mod wake;

pub use cron::{BadSchedule, Timetable};
pub use kinds::{MountedKind, NoTools, ToolAttempt, Tools};
pub use queue::{Enqueued, Parts, Queue};
pub use resolve::{Made, Request};
pub use settings::Settings;
