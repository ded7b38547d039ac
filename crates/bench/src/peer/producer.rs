//! Makes jobs: many in a call, one in a call, or at a rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::task::JoinSet;

use super::engine::{Engine, Options};
use super::kind::Job;
use super::monotonic;

/// Hints share messages, which leave after a few milliseconds.
const LAST_HINTS: Duration = Duration::from_millis(50);

/// What is offered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Jobs a second.
    pub(super) rate: f64,
    pub(super) jobs: u64,
    pub(super) callers: usize,
    /// Jobs in each call.
    pub(super) call: u64,
}

pub(super) async fn bulk(options: &Options, jobs: u64, call: u64) -> Result<()> {
    let engine = Engine::start(options).await?;
    let begun = monotonic::now();
    let mut left = jobs;
    while left > 0 {
        let count = left.min(call.max(1));
        engine.make((0..count).map(|_| Job::begun(0))).await?;
        left -= count;
    }
    done(begun);
    leave(&engine).await;
    Ok(())
}

pub(super) async fn single(options: &Options, jobs: u64, callers: usize) -> Result<()> {
    // Far beyond what can be done: each is due at once.
    let rate = f64::INFINITY;
    let calls = call(options, Pace { rate, jobs, callers, call: 1 }, |_| Job::begun(0)).await?;
    done(calls.begun);
    leave(&calls.engine).await;
    Ok(())
}

pub(super) async fn paced(options: &Options, pace: Pace) -> Result<()> {
    let mut calls = call(options, pace, Job::begun).await?;
    let ended = monotonic::now();
    calls.took.sort_unstable_by(f64::total_cmp);
    let part = |percent: usize| {
        let count = calls.took.len();
        calls.took.get((count * percent / 100).min(count.saturating_sub(1))).copied()
    };
    let parts = [part(50), part(99)].map(|part| part.unwrap_or(f64::NAN));
    println!("T {} {} {}", seconds(calls.begun, ended), parts[0], parts[1]);
    leave(&calls.engine).await;
    Ok(())
}

/// What the callers did.
struct Calls {
    engine: Arc<Engine>,
    begun: u64,
    /// Milliseconds that each call took.
    took: Vec<f64>,
}

/// Callers take turns; the call of each turn is due at its time, or at once when that is over.
async fn call(options: &Options, pace: Pace, job: fn(u64) -> Job) -> Result<Calls> {
    let engine = Arc::new(Engine::start(options).await?);
    let (turns, begun) = (Arc::new(AtomicU64::new(0)), monotonic::now());
    let (count, rate) = (pace.jobs / pace.call, pace.rate / pace.call as f64);
    let mut callers = JoinSet::new();
    for _ in 0..pace.callers {
        let (engine, turns) = (engine.clone(), turns.clone());
        callers.spawn(async move {
            let mut took = Vec::new();
            loop {
                let turn = turns.fetch_add(1, Ordering::Relaxed);
                if turn >= count {
                    return Ok(took);
                }
                wait_for(begun + (turn as f64 * 1e6 / rate) as u64).await;
                let begun = monotonic::now();
                engine.make((0..pace.call).map(|_| job(begun))).await?;
                took.push((monotonic::now() - begun) as f64 / 1e3);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(took) = callers.join_next().await {
        let took: Result<Vec<f64>> = took.context("a caller's task died")?;
        all.extend(took?);
    }
    Ok(Calls { engine, begun, took: all })
}

/// Timers are no more exact than a millisecond.
async fn wait_for(due: u64) {
    let wait = due.saturating_sub(monotonic::now());
    if wait > 1000 {
        tokio::time::sleep(Duration::from_micros(wait)).await;
    }
}

fn done(begun: u64) {
    println!("T {}", seconds(begun, monotonic::now()));
}

/// What was hinted last has to leave before the process does.
async fn leave(engine: &Engine) {
    tokio::time::sleep(LAST_HINTS).await;
    engine.stop();
}

fn seconds(begun: u64, ended: u64) -> f64 {
    (ended - begun) as f64 / 1e6
}
