//! `tool-call`: the whole way of a tool call beside the bare server, in turns and in one run.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::instance::Instance;
use crate::load::{self, Shape, Tally};
use crate::machine;
use crate::processes;
use crate::program::Program;
use crate::question::{Endpoint, Question, ask, ask_rightly};
use crate::table::{cell, median, print, verdict};

/// The part of the bare server's rate that is aimed at.
const TARGET: f64 = 0.8;

const DATA: &str = "data";
const PATH: &str = "/api/tools/demo_add";

/// What `mindflight-bench tool-call` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    #[command(flatten)]
    shape: Shape,
    /// How often both are measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// One of the two, and what was measured of it.
struct Side {
    instance: Instance,
    endpoint: Endpoint,
    rounds: Vec<Round>,
}

struct Round {
    tally: Tally,
    /// Processor time of the server meanwhile.
    cpu: Option<Duration>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let program = Program::new(&args.server)?;
    introduce(args, &program)?;
    let mut bare = start_bare()?;
    let mut real = start_real(&program)?;
    // The same bytes but for the path: the bare server reads past the key.
    bare.endpoint.key.clone_from(&real.endpoint.key);
    ask_rightly(&bare.endpoint).context("the bare server")?;

    print(&["round", "bare req/s", "mindflight req/s", "ratio"].map(str::to_owned));
    for round in 1..=args.rounds {
        let a = bare.measure(args.shape).context("the bare server")?;
        let b = real.measure(args.shape).context("mindflight")?;
        print(&[round.to_string(), cell(Some(a), 0), cell(Some(b), 0), cell(Some(b / a), 3)]);
    }
    summarise(args, &bare, &real);
    bare.instance.stop().context("the bare server")?;
    real.instance.stop().context("mindflight")
}

fn introduce(args: &Args, program: &Program) -> Result<()> {
    println!("{}", program.version()?);
    println!("actix-web {}", machine::version_of("actix-web"));
    println!("{}", machine::described());
    println!(
        "{} connections, {} rounds of {} s after 0.5 s of warm-up, generator on the same machine",
        args.shape.connections, args.rounds, args.shape.seconds
    );
    println!("bare: actix-web's defaults, logs nothing");
    println!("mindflight: `dev`, key, validation and metrics on, limits off, log level warn\n");
    Ok(())
}

fn start_bare() -> Result<Side> {
    let ourselves = std::env::current_exe().context("where are we?")?;
    let instance = Instance::start(Command::new(ourselves).arg("serve-bare"), None)
        .context("the bare server does not start")?;
    Ok(Side::new(instance, "/add", None))
}

fn start_real(program: &Program) -> Result<Side> {
    let mut command = program.dev(DATA);
    command.env("MINDFLIGHT_LIMITS__ENABLED", "false").env("LOG_LEVEL", "warn");
    let instance = Instance::start(&mut command, Some(program.folder()))
        .context("mindflight does not start")?;
    let key = program.create_key(DATA)?;
    let side = Side::new(instance, PATH, Some(key));
    refuses_strangers(&side.endpoint)?;
    ask_rightly(&side.endpoint).context("mindflight")?;
    Ok(side)
}

/// A server that lets everybody in would be measured at less than its work.
fn refuses_strangers(to: &Endpoint) -> Result<()> {
    let stranger = Endpoint { key: Some("nobody's key".to_owned()), ..to.clone() };
    let (status, _) = ask(&Question::new(&stranger, 2, 3), to.address)?;
    ensure!(status == 401, "a wrong key is answered with {status} and not with 401");
    Ok(())
}

impl Side {
    fn new(instance: Instance, path: &str, key: Option<String>) -> Self {
        let endpoint = Endpoint { address: instance.address(), path: path.to_owned(), key };
        Self { instance, endpoint, rounds: Vec::new() }
    }

    /// One round; gives the rate.
    fn measure(&mut self, shape: Shape) -> Result<f64> {
        let pid = self.instance.pid();
        let before = processes::cpu(pid);
        let tally = load::run(&self.endpoint, shape)?;
        let cpu = before.and_then(|before| processes::cpu(pid)?.checked_sub(before));
        tally.ensure_right()?;
        let rate = tally.rate(shape);
        self.rounds.push(Round { tally, cpu });
        Ok(rate)
    }

    /// The median over the rounds, where every round has the figure.
    fn middle(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<f64> {
        let figures: Option<Vec<f64>> = self.rounds.iter().map(figure).collect();
        median(figures?)
    }

    /// Latency in milliseconds.
    fn latency(&self, part: f64) -> Option<f64> {
        self.middle(|round| Some(round.tally.latencies.quantile(part).as_secs_f64() * 1e3))
    }
}

/// Microseconds of processor time for each answer.
fn each(cpu: Option<Duration>, answers: u64) -> Option<f64> {
    Some(cpu?.as_secs_f64() * 1e6 / answers as f64)
}

fn summarise(args: &Args, bare: &Side, real: &Side) {
    let row = |name: &str, decimals, figure: &dyn Fn(&Side) -> Option<f64>| {
        let (a, b) = (figure(bare), figure(real));
        let ratio = a.zip(b).map(|(a, b)| b / a);
        print(&[name.to_owned(), cell(a, decimals), cell(b, decimals), cell(ratio, 3)]);
    };
    println!();
    print(&["medians", "bare", "mindflight", "ratio"].map(str::to_owned));
    row("req/s", 0, &|side| side.middle(|round| Some(round.tally.rate(args.shape))));
    row("p50 ms", 3, &|side| side.latency(0.5));
    row("p99 ms", 3, &|side| side.latency(0.99));
    row("server CPU µs a request", 1, &|side| {
        side.middle(|round| each(round.cpu, round.tally.answers))
    });
    row("generator CPU µs a request", 1, &|side| {
        side.middle(|round| each(round.tally.cpu, round.tally.answers))
    });
    let pairs = bare.rounds.iter().zip(&real.rounds);
    let ratios = pairs.map(|(a, b)| b.tally.rate(args.shape) / a.tally.rate(args.shape));
    let ratio = median(ratios).unwrap_or_default();
    println!(
        "\nevery answer was right; median ratio {ratio:.3}, target ≥ {TARGET}: {}",
        verdict(ratio >= TARGET)
    );
}
