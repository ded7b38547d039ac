//! Limits and intervals of the engine that are the operator's to set, and that tests shorten.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::overrides::KindOverride;

/// Limits and intervals of the engine.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Jobs this process runs at the same time.
    pub workers: usize,
    /// Jobs this process takes beyond those at most, when they are short.
    pub prefetch: usize,
    /// How soon work that was taken ahead should be started: decides how much of it is taken.
    pub prefetch_time: Duration,
    /// Ended attempts that may wait to be written; beyond it nothing is taken.
    pub max_unwritten: usize,
    /// How often this process says that it lives.
    pub beat: Duration,
    /// Silence after which it stops its own jobs.
    pub fence_after: Duration,
    /// Silence after which others take its jobs. Longer than `fence_after`.
    pub dead_after: Duration,
    /// How often the dead are looked for.
    pub scan: Duration,
    /// How often what this process holds is compared with what the database says.
    pub repair: Duration,
    /// How soon after work was found an idle process looks again; the pauses double up to `poll_max`.
    pub poll_min: Duration,
    /// The longest pause between two looks for work.
    pub poll_max: Duration,
    /// The longest pause between two looks for jobs that come due.
    pub due_poll: Duration,
    /// How often the start of a queue is looked at again while it is worked off from the middle.
    pub rescan: Duration,
    /// A look at the start of a queue that takes as long as this is not repeated for a while: it meets rows that were
    /// taken and that some transaction keeps from being removed.
    pub costly: Duration,
    /// How often queues and schedules are read again.
    pub refresh: Duration,
    /// How old a slot of a schedule may be and still be on time.
    pub slot_grace: Duration,
    /// How often progress and log lines are written.
    pub record: Duration,
    /// Crashes of a worker that ran nothing else, after which a job has failed.
    pub crash_budget: u16,
    /// How long a job that was there at a crash may keep this process for itself.
    pub isolation: Duration,
    /// How long running jobs may go on when the server stops.
    pub grace: Duration,
    /// A job that runs longer is called long-running.
    pub long_after: Duration,
    /// Bytes of a result, as JSON.
    pub max_result: usize,
    /// Lines that one attempt can log.
    pub max_lines: u32,
    /// How long jobs that have ended are kept.
    pub retention: Duration,
    /// How often partitions are made and dropped.
    pub housekeeping: Duration,
    /// Queues that forget jobs that have succeeded or were cancelled.
    pub without_history: HashSet<String>,
    /// What the operator says of kinds, by their whole names.
    pub kinds: HashMap<String, KindOverride>,
    /// What only one process at a time can hold, such as a data folder: jobs of its last holder are taken at start.
    pub holder: Option<String>,
    /// What the list of workers calls this machine.
    pub host: String,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let seconds = Duration::from_secs;
        Self {
            workers: cores * 4,
            prefetch: 1000,
            prefetch_time: Duration::from_millis(50),
            max_unwritten: 10_000,
            beat: seconds(4),
            fence_after: seconds(16),
            dead_after: seconds(20),
            scan: seconds(3),
            repair: seconds(5),
            poll_min: Duration::from_millis(20),
            poll_max: Duration::from_millis(500),
            due_poll: seconds(2),
            rescan: Duration::from_millis(250),
            costly: Duration::from_millis(10),
            refresh: seconds(15),
            slot_grace: seconds(60),
            record: Duration::from_millis(250),
            crash_budget: 2,
            isolation: seconds(30),
            grace: seconds(10),
            long_after: seconds(300),
            max_result: 1024 * 1024,
            max_lines: 1000,
            retention: seconds(14 * 24 * 3600),
            housekeeping: seconds(3600),
            without_history: HashSet::new(),
            kinds: HashMap::new(),
            holder: None,
            host: "localhost".to_owned(),
        }
    }
}
