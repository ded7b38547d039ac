//! `chaos`: jobs are made all the time while servers die and the database is cut off; at the end every job has counted once.

mod call;
mod draw;
pub(crate) mod fleet;
mod injector;
mod ledger;
mod producers;
mod report;
pub(crate) mod site;
mod verdict;
mod victims;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};

use self::draw::Deeds;
use self::injector::{Injector, now};
use self::ledger::Ledger;
use self::producers::{Order, Progress};
use self::site::Site;
use self::verdict::{Finding, Story};
use crate::jobs::psql::Psql;
use crate::machine;

/// Between two looks at everything.
const LOOK: Duration = Duration::from_millis(25);

/// Between two lines about how it goes.
const LINE: Duration = Duration::from_secs(10);

/// How much longer than asked for the making of jobs may take, and then the rest of the work.
const PATIENCE: Duration = Duration::from_secs(600);

const OPEN: &str = "SELECT (SELECT count(*) FROM mindflight.ready) \
    + (SELECT count(*) FROM mindflight.scheduled) + (SELECT count(*) FROM mindflight.blocked) \
    + (SELECT count(*) FROM mindflight.lease)";

/// What `mindflight-bench chaos` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    /// Jobs that are made
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    jobs: u64,
    /// Over how long they are made, and faults injected
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Repeats the faults of a run; by default others each time
    #[arg(long)]
    seed: Option<u64>,
    /// Servers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=16))]
    instances: u16,
    /// Keeps logs and database also if nothing is wrong
    #[arg(long)]
    keep: bool,
    /// How the command was called, for the line that repeats it
    #[arg(long, hide = true, default_value = "mindflight-bench chaos")]
    called: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let seconds = args.minutes * 60.0;
    ensure!(seconds.is_finite() && seconds > 0.0, "--minutes has to be more than 0");
    let time = Duration::from_secs_f64(seconds);
    let seed = args.seed.unwrap_or_else(|| (now() * 1e3) as u64 % 1_000_000);
    let again = format!(
        "{} --jobs {} --minutes {} --instances {} --seed {seed}",
        args.called, args.jobs, args.minutes, args.instances
    );
    let site = Site::new(&args.server)?;
    println!("{}; {}", site.program().version()?, machine::described());
    println!("seed {seed}; again with: {again}");
    let mut injector = Injector::new(site, usize::from(args.instances))?;
    let judged = storm(&mut injector, args.jobs, time, seed);
    let problem = match judged {
        Ok(findings) if findings.is_empty() => {
            println!("\nverdict: nothing lost, nothing counted twice");
            if args.keep {
                let folder = injector.into_site().keep();
                println!("logs and database are kept in {}", folder.display());
            }
            return Ok(());
        }
        Ok(findings) => {
            report::wrong(&findings).iter().for_each(|line| println!("{line}"));
            anyhow!("{} things are wrong", findings.len())
        }
        Err(error) => error,
    };
    let folder = injector.into_site().keep();
    Err(problem.context(format!(
        "logs and database are kept in {}; seed {seed}, again with: {again}",
        folder.display()
    )))
}

/// The whole run: all servers up, faults while jobs are made, calm, and the count.
fn storm(injector: &mut Injector, jobs: u64, time: Duration, seed: u64) -> Result<Vec<Finding>> {
    until_calm(injector)?;
    let progress = Arc::new(Progress::default());
    let (addresses, key) = (injector.addresses(), injector.site().key().to_owned());
    let theirs = progress.clone();
    let producers =
        std::thread::spawn(move || producers::run(&addresses, &key, (jobs, time), &theirs));
    inject(injector, &producers, (time, seed), &progress)?;
    println!("no more faults");
    until_calm(injector)?;
    // Those who have not been answered until now go on asking.
    while !producers.is_finished() {
        injector.look()?;
        pause(LOOK);
    }
    let orders = producers.join().map_err(|_| anyhow!("the producers' thread died"))??;
    until_done(injector)?;
    let victims = injector.end()?;
    let ledger = Ledger::read(&mut injector.site().psql()?)?;
    let story = Story {
        orders: &orders,
        victims: &victims,
        happened: injector.happened(),
        pauses: injector.pauses(),
    };
    println!();
    report::lines(&ledger, &story, injector.skipped()).iter().for_each(|line| println!("{line}"));
    let mut findings = verdict::findings(&ledger, &story);
    let oddities = injector.oddities().iter();
    findings.extend(oddities.map(|what| Finding { what: what.clone(), ids: Vec::new() }));
    Ok(findings)
}

type Producers = JoinHandle<Result<Vec<Order>>>;

/// Does one deed after the other until the time is over and all jobs are made; a machine that is slower than the
/// rate has faults for twice the time at most.
fn inject(
    injector: &mut Injector,
    producers: &Producers,
    (time, seed): (Duration, u64),
    progress: &Progress,
) -> Result<()> {
    let begun = Instant::now();
    let mut deeds = Deeds::new(seed);
    let mut deed = deeds.next().context("there are no faults")?;
    let mut due = begun + deed.after;
    let mut line = begun + LINE;
    while begun.elapsed() < time || !producers.is_finished() {
        if producers.is_finished() && begun.elapsed() < time.mul_f64(0.9) {
            bail!("the producers have given up; {}", said(progress, begun, injector));
        }
        ensure!(begun.elapsed() < time + PATIENCE, "jobs cannot be made any more");
        injector.look()?;
        if Instant::now() >= due && begun.elapsed() < time * 2 {
            injector.inject(&deed)?;
            deed = deeds.next().context("there are no faults")?;
            due = Instant::now() + deed.after;
        }
        if Instant::now() >= line {
            println!("{}", said(progress, begun, injector));
            line += LINE;
        }
        pause(LOOK);
    }
    Ok(())
}

fn said(progress: &Progress, begun: Instant, injector: &Injector) -> String {
    format!(
        "{:>5.0} s: {} jobs answered for, {} calls without an answer, {} faults",
        begun.elapsed().as_secs_f64(),
        progress.accepted.load(Ordering::Relaxed),
        progress.unanswered.load(Ordering::Relaxed),
        injector.happened().len()
    )
}

/// Lets go of everything and waits until every server listens.
fn until_calm(injector: &mut Injector) -> Result<()> {
    let begun = Instant::now();
    loop {
        injector.release()?;
        injector.look()?;
        if injector.is_calm() {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the servers do not come to rest");
        pause(LOOK);
    }
}

/// Waits until nothing is left to be done.
fn until_done(injector: &mut Injector) -> Result<()> {
    let (begun, mut line) = (Instant::now(), Instant::now() + LINE);
    let mut database = injector.site().psql()?;
    let mut calm = 0;
    // What a server that was stopped had been asked for may still come.
    while calm < 40 {
        injector.look()?;
        let open: u64 = database.value(OPEN)?;
        calm = if open == 0 { calm + 1 } else { 0 };
        if begun.elapsed() > PATIENCE {
            let left = left(&mut database)?;
            bail!("{open} jobs do not end: {left}");
        }
        if Instant::now() >= line {
            println!("{open} jobs are left");
            line += LINE;
        }
        pause(LOOK * 2);
    }
    Ok(())
}

/// Some of those that do not end, and where they are.
fn left(database: &mut Psql) -> Result<String> {
    let rows = database.rows(
        "SELECT id, 'ready', lane FROM mindflight.ready UNION ALL \
         SELECT id, 'scheduled', lane FROM mindflight.scheduled UNION ALL \
         SELECT id, 'blocked', lane FROM mindflight.blocked UNION ALL \
         SELECT id, 'running on ' || worker, lane FROM mindflight.lease LIMIT 20",
    )?;
    Ok(rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("; "))
}

/// Waits a little.
#[expect(clippy::disallowed_methods, reason = "processes do not tell when they are ready or gone")]
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
