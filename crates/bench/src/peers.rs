//! `jobs --peers`: the drivers of other queues and ours, in one run and by one script, and their ratios.

mod cluster;
mod drivers;
mod figures;
mod goals;
mod raw;

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use self::cluster::Cluster;
use self::drivers::Drivers;
use self::figures::Figures;
use crate::guard::Guard;
use crate::machine;

/// Jobs of a drain, unless something else is asked for: the slowest of the others needs 5 s for them.
const JOBS: u64 = 100_000;

/// How often drains and enqueues are repeated.
const ROUNDS: u16 = 2;

/// Seconds of each steady rate.
const SECONDS: u64 = 5;

/// Where everything is.
pub(crate) struct Place<'a> {
    /// The sources of the drivers.
    pub(crate) drivers: &'a Path,
    /// The sources of the raw measurement; it need not be there.
    pub(crate) shapes: &'a Path,
    /// What is built is kept here.
    pub(crate) target: &'a Path,
    /// The cluster is made here, and goes away with it.
    pub(crate) folder: &'a Path,
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) jobs: u64,
    pub(crate) rounds: u16,
    pub(crate) seconds: u64,
}

impl Effort {
    /// What was asked for, or what takes less than ten minutes.
    pub(crate) fn new(jobs: Option<u64>, rounds: Option<u16>, seconds: Option<u64>) -> Self {
        Self {
            jobs: jobs.unwrap_or(JOBS),
            rounds: rounds.unwrap_or(ROUNDS),
            seconds: seconds.unwrap_or(SECONDS),
        }
    }
}

/// What is kept of jobs that have succeeded: queues are compared with those that do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    History,
    NoHistory,
}

impl Class {
    const ALL: [Self; 2] = [Self::History, Self::NoHistory];

    fn name(self) -> &'static str {
        match self {
            Self::History => "history kept",
            Self::NoHistory => "history not kept",
        }
    }
}

/// A queue in one configuration.
struct Peer {
    name: &'static str,
    class: Class,
    /// How the script is told which driver, and how to set it.
    spec: &'static str,
    /// Single enqueues of one measurement: as many as take a few seconds.
    singles: u32,
    /// What has to be installed for its driver.
    needs: drivers::Part,
}

/// The best configuration that was found of each of the best queues, and ours.
const PEERS: [Peer; 6] = [
    Peer {
        name: "pg-boss",
        class: Class::History,
        spec: "boss:batched:procs=2",
        singles: 3000,
        needs: drivers::Part::Node,
    },
    Peer {
        name: "apalis",
        class: Class::History,
        spec: "apalis:batched:WORKERS=2,POLLMS=10",
        singles: 8000,
        needs: drivers::Part::Rust,
    },
    Peer {
        name: OURS,
        class: Class::History,
        spec: "mindflight:history:procs=2,HISTORY=1",
        singles: 12_000,
        needs: drivers::Part::Ours,
    },
    Peer {
        name: "graphile-worker",
        class: Class::NoHistory,
        spec: "gw:batched:procs=2",
        singles: 5000,
        needs: drivers::Part::Node,
    },
    Peer {
        name: "graphile_worker_rs",
        class: Class::NoHistory,
        spec: "gwrs:batched:procs=2",
        singles: 5000,
        needs: drivers::Part::Rust,
    },
    Peer {
        name: OURS,
        class: Class::NoHistory,
        spec: "mindflight:forget:procs=2,HISTORY=0",
        singles: 12_000,
        needs: drivers::Part::Ours,
    },
];

const OURS: &str = "mindflight";

/// The rates that are offered: jobs a second, and jobs in a call.
const STEADY: [(u32, u32); 2] = [(2000, 1), (10_000, 50)];

/// Whether there are drivers in this folder.
pub(crate) fn are_in(folder: &Path) -> bool {
    folder.join("bench.py").is_file() && folder.join("pg.sh").is_file()
}

pub(crate) fn run(place: &Place<'_>, effort: Effort) -> Result<()> {
    let drivers = Drivers::prepare(place.drivers, &place.target.join("peers"))?;
    let raw = raw::prepare(place.shapes, &place.target.join("shapes"));
    println!("{}; producers, workers and database share them", machine::described());
    let Effort { jobs, rounds, seconds } = effort;
    println!("{jobs} jobs a drain, {rounds} rounds, {seconds} s of each steady rate");
    let cluster = Cluster::start(&drivers.folder, place.folder)?;
    let script = Script { drivers: &drivers, cluster: &cluster, folder: place.folder, effort };
    let mut measured = Vec::new();
    for (number, peer) in PEERS.iter().enumerate() {
        if let Err(error) = drivers.has(peer.needs) {
            println!("\n{}, {}: left out: {error:#}", peer.name, peer.class.name());
            continue;
        }
        println!("\n{}, {}: {}", peer.name, peer.class.name(), peer.spec);
        let figures = script.measure(peer, number)?;
        measured.push((peer, figures));
    }
    let floor = match raw {
        Some(program) => Some(raw::run(&program, &cluster, place.folder, effort)?),
        None => None,
    };
    cluster.stop()?;
    goals::print(&measured, floor.as_ref());
    Ok(())
}

/// The script of the drivers, on one cluster.
struct Script<'a> {
    drivers: &'a Drivers,
    cluster: &'a Cluster,
    folder: &'a Path,
    effort: Effort,
}

impl Script<'_> {
    /// All figures of one queue.
    fn measure(&self, peer: &Peer, number: usize) -> Result<Figures> {
        let out = self.folder.join(format!("peer-{number}.tsv"));
        let Effort { jobs, rounds, seconds } = self.effort;
        let base = format!("{},n1={}", peer.spec, peer.singles);
        self.run(
            &out,
            &[&base, "phases=bulk,single,drain", &format!("reps={rounds}"), &format!("n={jobs}")],
        )?;
        self.run(&out, &[&base, "phases=idle", &format!("reps={rounds}")])?;
        for (rate, call) in STEADY {
            let batch = if call > 1 { format!(",BATCH_ENQ={call}") } else { String::new() };
            let spec = format!("{base},rate={rate}{batch}");
            self.run(&out, &[&spec, "phases=steady", "reps=1", &format!("secs={seconds}")])?;
        }
        let text = fs::read_to_string(&out).unwrap_or_default();
        Ok(Figures::read(&text))
    }

    /// One call of the script. That a queue does not get through is its result, and not our failure.
    fn run(&self, out: &Path, args: &[&str]) -> Result<()> {
        let mut script = Command::new(self.drivers.python())
            .arg("bench.py")
            .args(args)
            .current_dir(&self.drivers.folder)
            .env("JOBS_PGSOCK", self.cluster.folder())
            .env("JOBS_OUT", out)
            .env("MINDFLIGHT_BENCH", &self.drivers.ours)
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            // Its workers are in its group, and end with it.
            .process_group(0)
            .spawn()
            .context("cannot run the script of the drivers")?;
        let _guard = Guard::of_group(script.id())?;
        let status = script.wait()?;
        if !status.success() {
            println!("# the script ended with {status}: {}", args.join(" "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_measured_in_each_class_beside_others() {
        for class in Class::ALL {
            let names: Vec<&str> =
                PEERS.iter().filter(|peer| peer.class == class).map(|peer| peer.name).collect();
            assert_eq!(names.iter().filter(|name| **name == OURS).count(), 1, "{names:?}");
            assert!(names.len() > 1, "{names:?}");
        }
    }

    #[test]
    fn what_is_asked_for_goes_before_what_is_usual() {
        let effort = Effort::new(Some(5000), None, Some(1));
        assert_eq!((effort.jobs, effort.rounds, effort.seconds), (5000, ROUNDS, 1));
    }
}
