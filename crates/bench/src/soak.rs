//! `soak`: producers and servers together for long, at a steady rate; whether anything declines or grows.

mod sample;
mod trend;

use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use self::sample::{Sample, Sampler};
use self::trend::judged;
use crate::chaos::fleet::Fleet;
use crate::chaos::pause;
use crate::chaos::site::Site;
use crate::jobs::producer::{self, End, Plan, Produced};
use crate::jobs::wire::{Kind, Target};
use crate::machine;

/// Callers that take turns.
const CALLERS: usize = 16;

/// Between two looks at the servers.
const LOOK: Duration = Duration::from_millis(100);

/// How long the last jobs may take when nobody makes any more.
const PATIENCE: Duration = Duration::from_secs(120);

/// Of the rate that was asked for: less means that this machine cannot, and the figures are of another thing.
const HELD: f64 = 0.95;

/// What `mindflight-bench soak` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    /// How long jobs are made
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// Jobs made a second; best a half to three quarters of what the machine can do
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
    /// Minutes at the beginning that are not judged; by default 5, or a quarter of a shorter run
    #[arg(long)]
    warm_up: Option<f64>,
    /// Seconds between two lines; by default 60, or less in a run of less than 12 minutes
    #[arg(long)]
    every: Option<f64>,
    /// Servers
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=16))]
    instances: u16,
    /// Jobs in a call
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    batch: u32,
}

/// The arguments as times.
struct Times {
    all: Duration,
    warm_up: Duration,
    every: Duration,
}

impl Times {
    fn new(args: &Args) -> Result<Self> {
        let minutes = args.minutes;
        let warm_up = args.warm_up.unwrap_or_else(|| (minutes / 4.0).min(5.0));
        let every = args.every.unwrap_or_else(|| (minutes * 60.0 / 12.0).clamp(1.0, 60.0));
        ensure!(minutes.is_finite() && minutes > 0.0, "--minutes has to be more than 0");
        ensure!((0.0..minutes).contains(&warm_up), "--warm-up has to be shorter than --minutes");
        ensure!(every.is_finite() && every > 0.0, "--every has to be more than 0");
        let seconds = Duration::from_secs_f64;
        Ok(Self {
            all: seconds(minutes * 60.0),
            warm_up: seconds(warm_up * 60.0),
            every: seconds(every),
        })
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let times = Times::new(args)?;
    ensure!(args.rate.is_finite() && args.rate > 0.0, "--rate has to be more than 0");
    let site = Site::new(&args.server)?;
    println!("{}; {}", site.program().version()?, machine::described());
    println!(
        "{} jobs a second in calls of {}, {} servers, {} minutes; the first {:.1} are not judged\n",
        args.rate,
        args.batch,
        args.instances,
        args.minutes,
        times.warm_up.as_secs_f64() / 60.0
    );
    let wrong = match soak(&site, args, &times) {
        Ok(wrong) if wrong.is_empty() => {
            println!("verdict: nothing declines, nothing grows");
            return Ok(());
        }
        Ok(wrong) => {
            wrong.iter().for_each(|what| println!("WRONG: {what}"));
            anyhow!("{} things are wrong", wrong.len())
        }
        Err(error) => error,
    };
    let folder = site.keep();
    Err(wrong.context(format!("logs and database are kept in {}", folder.display())))
}

fn soak(site: &Site, args: &Args, times: &Times) -> Result<Vec<String>> {
    let make = || {
        let mut command: Command = site.serve()?;
        command.env("LOG_LEVEL", "warn");
        Ok(command)
    };
    let mut fleet = Fleet::start(usize::from(args.instances), &site.logs(), &make)?;
    while !fleet.is_complete() {
        fleet.look(&make)?;
        alive(&fleet)?;
        pause(LOOK);
    }
    let producers = produce(site, &fleet, args, times.all)?;
    let mut sampler = Sampler::new(site.psql()?, fleet.pids())?;
    let samples = watch(&mut sampler, times, || {
        fleet.look(&make)?;
        alive(&fleet)
    })?;
    let made = producers.join().map_err(|_| anyhow!("the producers' thread died"))??;
    let mut wrong = ended(&mut sampler, made.calls * u64::from(args.batch))?;
    fleet.end()?;
    alive(&fleet)?;
    let held = made.rate() * f64::from(args.batch) / args.rate;
    if held < HELD {
        let percent = held * 100.0;
        wrong.push(format!(
            "{percent:.0} % of the rate was held: this machine takes a lower --rate"
        ));
    }
    let trends = judged(&samples, times.warm_up)?;
    for trend in &trends {
        println!("{trend}");
    }
    wrong.extend(trends.iter().filter(|trend| trend.is_bad()).map(ToString::to_string));
    Ok(wrong)
}

fn alive(fleet: &Fleet) -> Result<()> {
    match fleet.oddities().first() {
        Some(oddity) => bail!("{oddity}"),
        None => Ok(()),
    }
}

fn produce(
    site: &Site,
    fleet: &Fleet,
    args: &Args,
    time: Duration,
) -> Result<JoinHandle<Result<Produced>>> {
    let kind = Kind::new("demo.sleep", r#"{"ms":0}"#)?;
    let body = if args.batch == 1 { kind.one() } else { kind.several(args.batch) };
    let requests: Option<Vec<_>> = (0..usize::from(args.instances))
        .map(|turn| {
            let address = fleet.addresses().choose(turn)?;
            let target = Target { address, key: site.key().to_owned() };
            Some((address, target.post("/api/jobs", &body)))
        })
        .collect();
    let requests = requests.context("there is no server")?;
    let rate = Some(args.rate / f64::from(args.batch));
    Ok(std::thread::spawn(move || {
        producer::run(Plan { requests, callers: CALLERS, end: End::After(time), rate })
    }))
}

/// Looks at everything again and again until the time is over.
fn watch(
    sampler: &mut Sampler,
    times: &Times,
    mut look: impl FnMut() -> Result<()>,
) -> Result<Vec<Sample>> {
    let begun = Instant::now();
    let mut samples = Vec::new();
    println!("{}", Sample::head());
    let mut due = times.every;
    while due <= times.all + LOOK {
        while begun.elapsed() < due {
            look()?;
            pause(LOOK.min(due.saturating_sub(begun.elapsed())));
        }
        let sample = sampler.take()?;
        println!("{sample}");
        samples.push(sample);
        due += times.every;
    }
    Ok(samples)
}

/// Waits until every job has ended, and checks that all have, and well.
fn ended(sampler: &mut Sampler, made: u64) -> Result<Vec<String>> {
    let begun = Instant::now();
    while sampler.open()? > 0 {
        ensure!(begun.elapsed() < PATIENCE, "{} jobs do not end", sampler.open()?);
        pause(LOOK);
    }
    let (jobs, succeeded) = sampler.totals()?;
    println!("\n{made} jobs answered for, {jobs} made, {succeeded} have succeeded");
    let is_right = jobs == made && succeeded == made;
    Ok(if is_right { Vec::new() } else { vec!["these are not the same".to_owned()] })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(flatten)]
        args: Args,
    }

    fn times(line: &[&str]) -> Result<Times> {
        let line = ["soak", "--server", "x"].iter().chain(line);
        Times::new(&Alone::parse_from(line).args)
    }

    #[test]
    fn a_short_run_has_a_short_warm_up_and_enough_lines() {
        let long = times(&[]).unwrap();
        assert_eq!((long.warm_up.as_secs(), long.every.as_secs()), (300, 60));
        let short = times(&["--minutes", "2"]).unwrap();
        assert_eq!((short.warm_up.as_secs(), short.every.as_secs()), (30, 10));
        assert!(times(&["--minutes", "2", "--warm-up", "2"]).is_err());
        assert!(times(&["--minutes", "0"]).is_err());
    }
}
