//! `jobs`: how fast jobs are made and run, how soon they start, and what they cost.

mod backlog;
mod drain;
mod enqueue;
pub(crate) mod floor;
mod goals;
mod horizon;
mod idle;
mod latency;
pub(crate) mod producer;
pub(crate) mod psql;
mod rig;
pub(crate) mod sheet;
mod steady;
pub(crate) mod wire;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use self::psql::Psql;
use self::rig::Shape;
use self::sheet::Sheet;
use self::wire::Kind;
use crate::guard::Guard;
use crate::machine;
use crate::peers;
use crate::program::Program;

/// The name of the limit's figure, which others are divided by.
const FLOOR: &str = "bare: insert, 8 clients, commits/s";

/// What is measured unless something else is asked for.
const JOBS: u64 = 200_000;
const ROUNDS: u16 = 3;
const SECONDS: u64 = 10;

/// What `mindflight-bench jobs` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    #[command(flatten)]
    place: Place,
    /// Jobs of a drain: 200,000 unless given; with `--peers` 100,000
    #[arg(long, value_parser = clap::value_parser!(u64).range(1000..))]
    jobs: Option<u64>,
    /// How often everything is measured: 3 times unless given; with `--peers` twice
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: Option<u16>,
    /// What is measured; `bulk,single,drain,two,latency,steady` if nothing is named
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<Part>,
    /// Seconds of each rate of `single` and `steady`: 10 unless given; with `--peers` 5
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Jobs that wait in `backlog`
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    backlog: u64,
    /// Measures other queues by their drivers in this folder, and ours beside them; then only the parts named by `--only`
    #[arg(long, num_args = 0..=1, value_name = "DIR")]
    peers: Option<Option<PathBuf>>,
    /// The checkout, beside which the drivers are looked for
    #[arg(long, default_value = ".", value_name = "DIR")]
    checkout: PathBuf,
    /// Where the drivers are built and installed
    #[arg(long, default_value = "target", value_name = "DIR")]
    target: PathBuf,
    /// The kind of the jobs, in the queue of its provider
    #[arg(long, default_value = "demo.sleep")]
    kind: String,
    /// Its arguments
    #[arg(long, value_name = "JSON", default_value = r#"{"ms":0}"#)]
    args: String,
    /// A setting of the measured servers, such as `MINDFLIGHT_JOBS__WORKERS=64`; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

pub(crate) fn setting(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, _)| name.starts_with("MINDFLIGHT_"));
    let (name, value) = parts.ok_or("write MINDFLIGHT_SECTION__KEY=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The database cluster, which is ours alone.
#[derive(clap::Args, Clone)]
pub(crate) struct Place {
    /// A database of a cluster that nobody else uses
    #[arg(long, value_name = "URL")]
    pub(crate) database_url: String,
    /// The process id of its server
    #[arg(long, value_name = "PID")]
    pub(crate) postmaster: u32,
    /// The folder of PostgreSQL's programs
    #[arg(long, value_name = "DIR")]
    pub(crate) programs: PathBuf,
    /// The cluster's folder, which goes away if we die
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// One part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Many jobs at once, in calls of 1,000
    Bulk,
    /// One job a call, from 1, 16 and 64 callers
    Single,
    /// A full queue worked off by one process
    Drain,
    /// A full queue worked off by two processes
    Two,
    /// How soon a job starts when nothing else is to do
    Latency,
    /// Producers and one process at the same time
    Steady,
    /// The same beside many jobs that wait, and the lists meanwhile
    Backlog,
    /// The same while somebody keeps old rows from being removed
    Horizon,
    /// What a process asks the database when it has nothing to do
    Idle,
}

impl Part {
    /// Whether it is measured if nothing is named.
    fn is_usual(self) -> bool {
        !matches!(self, Self::Backlog | Self::Horizon | Self::Idle)
    }
}

/// What every part needs.
struct Bench {
    program: Program,
    place: Place,
    kind: Kind,
    jobs: u64,
    seconds: u64,
    backlog: u64,
    settings: Vec<(String, String)>,
}

impl Args {
    /// Measures the other queues, if somebody wants to know and they are there. Whether that was all.
    fn compare(&self) -> Result<bool> {
        let Some(given) = &self.peers else { return Ok(false) };
        let beside = self.checkout.join("../shared/bench");
        let drivers = given.clone().unwrap_or_else(|| beside.join("jobs"));
        if !peers::are_in(&drivers) {
            println!("no drivers of other queues in {}: ours is measured alone", drivers.display());
            return Ok(false);
        }
        let target = std::path::absolute(&self.target)?;
        let place = peers::Place {
            drivers: &drivers,
            shapes: &beside.join("shapes"),
            target: &target,
            folder: &self.place.folder,
        };
        peers::run(&place, peers::Effort::new(self.jobs, self.rounds, self.seconds))?;
        Ok(self.only.is_empty())
    }

    fn measures(&self, part: Part) -> bool {
        if self.only.is_empty() { part.is_usual() } else { self.only.contains(&part) }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let _guard = Guard::new(args.place.postmaster, Some(&args.place.folder))?;
    if args.compare().context("the other queues")? {
        return Ok(());
    }
    let bench = Bench {
        program: Program::within(&args.server, &args.place.folder)?,
        place: args.place.clone(),
        kind: Kind::new(&args.kind, &args.args)?,
        // Whole calls only.
        jobs: args.jobs.unwrap_or(JOBS).next_multiple_of(u64::from(enqueue::CALL)),
        seconds: args.seconds.unwrap_or(SECONDS),
        backlog: args.backlog,
        settings: args.settings.clone(),
    };
    let mut admin = Psql::open(&bench.place.programs, &bench.place.database_url)?;
    introduce(&bench, &mut admin)?;
    let mut sheet = Sheet::default();
    let rounds = args.rounds.unwrap_or(ROUNDS);
    for round in 1..=rounds {
        println!("\nround {round} of {rounds}");
        sheet.add(FLOOR, 0, floor::inserts(&bench.place, &mut admin)?);
        for part in Part::value_variants() {
            if args.measures(*part) {
                measure(&bench, *part, &mut sheet).with_context(|| format!("{part:?}"))?;
            }
        }
    }
    sheet.print();
    enqueue::compare(&sheet, FLOOR);
    goals::print(&sheet);
    println!("every job was made and ended once");
    Ok(())
}

fn measure(bench: &Bench, part: Part, sheet: &mut Sheet) -> Result<()> {
    match part {
        Part::Bulk => enqueue::bulk(bench, sheet),
        Part::Single => enqueue::single(bench, sheet),
        Part::Drain => drains(bench, 1, sheet),
        Part::Two => drains(bench, 2, sheet),
        Part::Latency => latency::run(bench, sheet),
        Part::Steady => steady::run(bench, sheet),
        Part::Backlog => backlog::run(bench, sheet),
        Part::Horizon => horizon::run(bench, sheet),
        Part::Idle => idle::run(bench, sheet),
    }
}

fn drains(bench: &Bench, processes: usize, sheet: &mut Sheet) -> Result<()> {
    for keeps_history in [true, false] {
        drain::run(bench, Shape { processes, keeps_history }, sheet)?;
    }
    Ok(())
}

fn introduce(bench: &Bench, admin: &mut Psql) -> Result<()> {
    println!("{}", bench.program.version()?);
    println!("PostgreSQL {}", admin.value::<String>("SHOW server_version")?);
    for name in ["fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "wal_level"] {
        println!("  {name} = {}", admin.value::<String>(&format!("SHOW {name}"))?);
    }
    println!("{}; callers, servers and database share them", machine::described());
    println!("{} jobs of kind {} with arguments {}", bench.jobs, bench.kind.name, bench.kind.args);
    for (name, value) in &bench.settings {
        println!("  {name} = {value}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_servers_own_settings_are_passed_on() {
        let workers = ("MINDFLIGHT_JOBS__WORKERS".to_owned(), "64".to_owned());
        assert_eq!(setting("MINDFLIGHT_JOBS__WORKERS=64"), Ok(workers));
        for text in ["MINDFLIGHT_JOBS__WORKERS", "PATH=/tmp", "=1"] {
            assert!(setting(text).is_err(), "{text}");
        }
    }
}
