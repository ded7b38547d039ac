//! `events`: how soon what is published reaches every subscriber, whether each event does so once, and what it costs.

mod cost;
mod fan_out;
mod message;
mod notify;
mod publisher;
mod rig;
mod subscribers;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::guard::Guard;
use crate::jobs::psql::Psql;
use crate::jobs::sheet::Sheet;
use crate::jobs::{Place, setting};
use crate::machine;
use crate::program::Program;

/// What `mindflight-bench events` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    #[command(flatten)]
    place: Place,
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// What is measured; everything if nothing is named
    #[arg(long, value_delimiter = ',', value_name = "PARTS")]
    only: Vec<Part>,
    /// Processes on one database
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    instances: u16,
    /// Subscribers of each process
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    subscribers: u16,
    /// A setting of the measured servers, such as `MINDFLIGHT_EVENTS__WINDOW=1ms`; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

/// One part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `pg_notify` on one connection, seen by another
    Notify,
    /// The statement that publishes, beside a plain insert
    Insert,
    /// Publishing over HTTP as fast as it is answered
    Publish,
    /// 100 events a second, one by one, to all subscribers
    Idle,
    /// 1,000 events a second, one by one, to all subscribers
    Single,
    /// 1,000 events a second, in arrays of 50, to all subscribers
    Array,
}

/// What every part needs.
struct Bench {
    program: Program,
    place: Place,
    seconds: u64,
    instances: u16,
    subscribers: u16,
    settings: Vec<(String, String)>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let _guard = Guard::new(args.place.postmaster, Some(&args.place.folder))?;
    let bench = Bench {
        program: Program::within(&args.server, &args.place.folder)?,
        place: args.place.clone(),
        seconds: args.seconds,
        instances: args.instances,
        subscribers: args.subscribers,
        settings: args.settings.clone(),
    };
    introduce(&bench)?;
    let mut sheet = Sheet::default();
    for round in 1..=args.rounds {
        println!("\nround {round} of {}", args.rounds);
        for part in Part::value_variants() {
            if args.only.is_empty() || args.only.contains(part) {
                measure(&bench, *part, &mut sheet).with_context(|| format!("{part:?}"))?;
            }
        }
    }
    sheet.print();
    cost::compare(&sheet);
    println!(
        "every answer was a good one, and every subscriber was given every event once, in order"
    );
    Ok(())
}

fn measure(bench: &Bench, part: Part, sheet: &mut Sheet) -> Result<()> {
    let fan_out = |name, rate, events| fan_out::Load { name, rate, events };
    match part {
        Part::Notify => notify::run(&bench.place, sheet),
        Part::Insert => cost::inserts(bench, sheet),
        Part::Publish => cost::over_http(bench, sheet),
        Part::Idle => fan_out::run(bench, fan_out("100/s", 100.0, 1), sheet),
        Part::Single => fan_out::run(bench, fan_out("1,000/s", 1000.0, 1), sheet),
        Part::Array => fan_out::run(bench, fan_out("1,000/s in arrays of 50", 1000.0, 50), sheet),
    }
}

fn introduce(bench: &Bench) -> Result<()> {
    let mut admin = Psql::open(&bench.place.programs, &bench.place.database_url)?;
    println!("{}", bench.program.version()?);
    println!("PostgreSQL {}", admin.value::<String>("SHOW server_version")?);
    for name in ["fsync", "synchronous_commit", "shared_buffers", "max_wal_size", "wal_level"] {
        println!("  {name} = {}", admin.value::<String>(&format!("SHOW {name}"))?);
    }
    println!("{}; publishers, subscribers, servers and database share them", machine::described());
    println!("{} processes with {} subscribers each", bench.instances, bench.subscribers);
    for (name, value) in &bench.settings {
        println!("  {name} = {value}");
    }
    Ok(())
}
