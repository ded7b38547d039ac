//! `start`: how long it takes to the first answer, and what the server weighs when it has nothing to do.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::instance::Instance;
use crate::machine;
use crate::processes;
use crate::program::Program;
use crate::question::{Endpoint, ask_rightly};
use crate::table::{cell, median, print, verdict};

/// Seconds from an empty folder to the first answer.
const COLD_TARGET: f64 = 1.5;
/// Seconds on a folder that was used before.
const WARM_TARGET: f64 = 0.3;
/// Millions of bytes resident.
const MEMORY_TARGET: f64 = 40.0;

/// How long it has nothing to do before it is weighed.
const IDLE: Duration = Duration::from_secs(3);

/// What `mindflight-bench start` takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mindflight program
    #[arg(long, value_name = "PATH")]
    server: PathBuf,
    /// How many folders are started on, cold and then warm
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
}

/// What is known of one start.
struct Start {
    /// From just before the process was made to the first answer, in seconds.
    first_answer: f64,
    server: Idle,
    postgres: Idle,
}

/// A process, or several, with nothing to do. Bytes are in millions.
#[derive(Default)]
struct Idle {
    resident: Option<f64>,
    proportional: Option<f64>,
    /// Processor time, in per cent of one core.
    cpu: Option<f64>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let program = Program::new(&args.server)?;
    println!("{}", program.version()?);
    println!("{}", machine::described());
    println!(
        "{} rounds; `dev` with its private database; weighed after {} s without a request\n",
        args.rounds,
        IDLE.as_secs()
    );
    print(&["round", "cold ms", "warm ms", "RSS cold MB", "RSS warm MB"].map(str::to_owned));
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let data = format!("data-{round}");
        let one = start(&program, &data).context("cold start")?;
        let two = start(&program, &data).context("warm start")?;
        print(&[
            round.to_string(),
            cell(Some(one.first_answer * 1e3), 0),
            cell(Some(two.first_answer * 1e3), 0),
            cell(one.server.resident, 1),
            cell(two.server.resident, 1),
        ]);
        cold.push(one);
        warm.push(two);
    }
    summarise(&cold, &warm);
    Ok(())
}

fn start(program: &Program, data: &str) -> Result<Start> {
    let instance = Instance::start(&mut program.dev(data), Some(program.folder()))?;
    ask_rightly(&Endpoint {
        address: instance.address(),
        path: "/api/tools/demo_add".to_owned(),
        key: None,
    })?;
    let first_answer = instance.age().as_secs_f64();
    let (server, postgres) = idle(instance.pid());
    instance.stop()?;
    Ok(Start { first_answer, server, postgres })
}

/// Lets the server and its database rest, then weighs both.
#[expect(
    clippy::disallowed_methods,
    reason = "what is measured is that nothing happens for a while"
)]
fn idle(server: u32) -> (Idle, Idle) {
    let postgres = || processes::below(server, "postgres");
    let before = (used(&[server]), used(&postgres()));
    std::thread::sleep(IDLE);
    // PostgreSQL ends and starts workers of its own accord: those who are there now are weighed.
    (weighed(&[server], &before.0), weighed(&postgres(), &before.1))
}

/// Processes with the processor time that they have used.
fn used(pids: &[u32]) -> Vec<(u32, Duration)> {
    let used = pids.iter().map(|pid| Some((*pid, processes::cpu(*pid)?)));
    used.flatten().collect()
}

fn weighed(pids: &[u32], before: &[(u32, Duration)]) -> Idle {
    let millions = |bytes: u64| bytes as f64 / 1e6;
    let memory = processes::memory_of_all(pids);
    let meanwhile = used(pids).into_iter().filter_map(|(pid, now)| {
        let (_, before) = before.iter().find(|(one, _)| *one == pid)?;
        now.checked_sub(*before)
    });
    let cpu: Duration = meanwhile.sum();
    Idle {
        resident: memory.map(|memory| millions(memory.resident)),
        proportional: memory.map(|memory| millions(memory.proportional)),
        cpu: (!before.is_empty()).then(|| cpu.as_secs_f64() / IDLE.as_secs_f64() * 100.0),
    }
}

fn summarise(cold: &[Start], warm: &[Start]) {
    let middle = |starts: &[Start], figure: &dyn Fn(&Start) -> Option<f64>| {
        let figures: Option<Vec<f64>> = starts.iter().map(figure).collect();
        median(figures?)
    };
    let row = |name: &str, decimals, figure: &dyn Fn(&Start) -> Option<f64>| {
        let both = [middle(cold, figure), middle(warm, figure)];
        print(&[name.to_owned(), cell(both[0], decimals), cell(both[1], decimals)]);
        both
    };
    println!();
    print(&["medians", "cold", "warm"].map(str::to_owned));
    let first = row("first answer ms", 0, &|start| Some(start.first_answer * 1e3));
    let resident = row("server RSS MB", 1, &|start| start.server.resident);
    row("server PSS MB", 1, &|start| start.server.proportional);
    row("server idle CPU %", 2, &|start| start.server.cpu);
    row("postgres PSS MB", 1, &|start| start.postgres.proportional);
    row("postgres idle CPU %", 2, &|start| start.postgres.cpu);
    println!();
    judge("cold start", first[0].map(|ms| ms / 1e3), COLD_TARGET, "s");
    judge("warm start", first[1].map(|ms| ms / 1e3), WARM_TARGET, "s");
    let heavier = resident[0].zip(resident[1]).map(|(cold, warm)| cold.max(warm));
    judge("idle memory, the larger", heavier, MEMORY_TARGET, "MB");
}

fn judge(what: &str, figure: Option<f64>, target: f64, unit: &str) {
    let Some(figure) = figure else {
        println!("{what}: this system does not tell");
        return;
    };
    println!("{what}: {figure:.3} {unit}, target ≤ {target} {unit}: {}", verdict(figure <= target));
}
