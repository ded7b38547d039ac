//! What the server says about itself: log lines on stderr and metrics for Prometheus.

mod json;
mod levels;
mod logs;
mod meters;
mod panics;
mod process;

pub(crate) use self::levels::Levels;
pub(crate) use self::logs::init_logs;
pub(crate) use self::meters::{TEXT_FORMAT, init_metrics, render, upkeep};
