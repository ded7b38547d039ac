//! Callers that make jobs: each asks, waits for the answer and asks again, at once or when its time has come.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use super::wire::Talk;
use crate::histogram::Histogram;

/// What is sent, by how many, and until when.
pub(crate) struct Plan {
    /// Callers take turns in which of these they send.
    pub(crate) requests: Vec<(SocketAddr, Vec<u8>)>,
    pub(crate) callers: usize,
    pub(crate) end: End,
    /// Calls a second; as many as can be answered if none.
    pub(crate) rate: Option<f64>,
}

/// When the callers stop.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// After so many calls, of all callers together.
    Calls(u64),
    After(Duration),
}

/// What came of it.
pub(crate) struct Produced {
    pub(crate) calls: u64,
    pub(crate) time: Duration,
    /// How long the calls took.
    pub(crate) latencies: Histogram,
}

impl Produced {
    /// Calls a second.
    pub(crate) fn rate(&self) -> f64 {
        self.calls as f64 / self.time.as_secs_f64()
    }

    /// In milliseconds.
    pub(crate) fn latency(&self, part: f64) -> f64 {
        self.latencies.quantile(part).as_secs_f64() * 1e3
    }
}

/// A runtime on this thread alone.
pub(crate) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("no runtime could be started")
}

/// Runs the plan. Every answer has to be a good one.
pub(crate) fn run(plan: Plan) -> Result<Produced> {
    runtime()?.block_on(async {
        let (plan, begun) = (Arc::new(Turns::new(plan)), Instant::now());
        let mut callers = JoinSet::new();
        for number in 0..plan.plan.callers {
            callers.spawn(call(plan.clone(), number));
        }
        let mut latencies = Histogram::default();
        while let Some(ended) = callers.join_next().await {
            latencies.add(&ended.context("a caller's task died")??);
        }
        ensure!(latencies.total() > 0, "no call was made");
        Ok(Produced { calls: latencies.total(), time: begun.elapsed(), latencies })
    })
}

async fn call(turns: Arc<Turns>, number: usize) -> Result<Histogram> {
    let requests = &turns.plan.requests;
    let (address, request) = &requests[number % requests.len()];
    let mut talk = Talk::open(*address).await?;
    let mut latencies = Histogram::default();
    while let Some(due) = turns.next() {
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        let begun = Instant::now();
        talk.ask(request).await?;
        latencies.record(begun.elapsed());
    }
    Ok(latencies)
}

/// Whose turn it is, and when.
struct Turns {
    plan: Plan,
    taken: AtomicU64,
    begun: Instant,
}

impl Turns {
    fn new(plan: Plan) -> Self {
        Self { plan, taken: AtomicU64::new(0), begun: Instant::now() }
    }

    /// When the next call is due, or nothing when there is none any more.
    fn next(&self) -> Option<Option<Instant>> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let is_over = match self.plan.end {
            End::Calls(calls) => number >= calls,
            End::After(time) => self.begun.elapsed() >= time,
        };
        if is_over {
            return None;
        }
        let wait = self.plan.rate.map(|rate| Duration::from_secs_f64(number as f64 / rate));
        Some(wait.map(|wait| self.begun + wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(end: End, rate: Option<f64>) -> Turns {
        Turns::new(Plan { requests: Vec::new(), callers: 1, end, rate })
    }

    #[test]
    fn calls_are_due_at_even_distances() {
        let turns = turns(End::Calls(3), Some(1000.0));
        let due: Vec<Duration> =
            (0..3).map(|_| turns.next().flatten().unwrap() - turns.begun).collect();
        assert_eq!(due, [0, 1, 2].map(Duration::from_millis));
        assert!(turns.next().is_none());
    }

    #[test]
    fn without_a_rate_every_call_is_due_at_once() {
        let turns = turns(End::After(Duration::from_secs(3600)), None);
        assert_eq!(turns.next(), Some(None));
    }

    #[test]
    fn no_turn_is_left_when_the_time_is_over() {
        assert!(turns(End::After(Duration::ZERO), None).next().is_none());
    }
}
