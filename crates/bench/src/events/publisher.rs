//! Callers that publish at a steady rate, each at one server after the other's; every answer has to be a good one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::task::JoinSet;

use super::message::{LAST, body, now};
use crate::histogram::Histogram;
use crate::jobs::producer::runtime;
use crate::jobs::wire::{Talk, Target};

/// Enough that a caller whose answer takes long does not slow the others down.
const CALLERS: usize = 24;

/// What is published, and how fast.
pub(super) struct Plan {
    /// Calls go round among them.
    pub(super) targets: Vec<Target>,
    /// Events a second, of all callers together.
    pub(super) rate: f64,
    /// Events of one call.
    pub(super) events: u32,
    pub(super) time: Duration,
}

/// What came of it.
pub(super) struct Published {
    pub(super) events: u64,
    /// Until the last answer, which is late where the rate is more than is borne.
    pub(super) time: Duration,
    /// How long the calls took.
    pub(super) latencies: Histogram,
    /// Where the last event is, which is published when all others are.
    pub(super) last: u64,
}

/// Runs the plan, then publishes the last event.
pub(super) fn publish(plan: Plan) -> Result<Published> {
    runtime()?.block_on(async {
        let (plan, begun) = (Arc::new(plan), Instant::now());
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            callers.spawn(call(plan.clone(), number, begun));
        }
        let mut latencies = Histogram::default();
        while let Some(ended) = callers.join_next().await {
            latencies.add(&ended.context("a publisher's task died")??);
        }
        ensure!(latencies.total() > 0, "nothing was published");
        let events = latencies.total() * u64::from(plan.events);
        let time = begun.elapsed().max(plan.time);
        Ok(Published { events, time, latencies, last: last(&plan).await? })
    })
}

async fn call(plan: Arc<Plan>, number: usize, begun: Instant) -> Result<Histogram> {
    let target = &plan.targets[number % plan.targets.len()];
    let mut talk = Talk::open(target.address).await?;
    let mut latencies = Histogram::default();
    for wait in dues(&plan, number) {
        tokio::time::sleep_until((begun + wait).into()).await;
        let at = Instant::now();
        talk.ask(&target.post("/api/events", &body(plan.events, now()))).await?;
        latencies.record(at.elapsed());
    }
    Ok(latencies)
}

/// When a caller's calls are due.
fn dues(plan: &Plan, number: usize) -> impl Iterator<Item = Duration> {
    let distance = f64::from(plan.events) / plan.rate;
    let time = plan.time;
    (number..)
        .step_by(CALLERS)
        .map(move |number| Duration::from_secs_f64(number as f64 * distance))
        .take_while(move |wait| *wait < time)
}

#[derive(Deserialize)]
struct Placed {
    position: Option<u64>,
}

async fn last(plan: &Plan) -> Result<u64> {
    let target = plan.targets.first().context("there is no server")?;
    let mut talk = Talk::open(target.address).await?;
    let answer = talk.ask(&target.post("/api/events?wait=30", &body(1, LAST))).await?;
    let placed: Placed = serde_json::from_slice(answer).context("not an event's answer")?;
    placed.position.context("the last event has no position after 30 s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_callers_together_make_the_rate() {
        for (rate, events, calls) in [(1000.0, 1, 2000), (1000.0, 50, 40), (100.0, 1, 200)] {
            let time = Duration::from_secs(2);
            let plan = Plan { targets: Vec::new(), rate, events, time };
            let mut all: Vec<Duration> = (0..CALLERS).flat_map(|one| dues(&plan, one)).collect();
            all.sort();
            assert_eq!(all.len(), calls);
            assert_eq!(all[1], Duration::from_secs_f64(f64::from(events) / rate));
        }
    }
}
