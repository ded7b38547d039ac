//! Those who make jobs all the time, and write down what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::call::{Caller, Said, ids};
use super::fleet::Addresses;
use crate::jobs::producer::runtime;

/// Callers at the same time.
const CALLERS: usize = 24;

/// Jobs in an array.
pub(crate) const ARRAY: u64 = 10;

/// Counters of each lane: several jobs want the same row, but not all of them.
const COUNTERS: u64 = 25;

/// Orders of each lane in a hundred jobs: six arrays, and singles of both sorts.
const PATTERN: [Lane; 46] = pattern();

/// How jobs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// One in a call. Sent once: what became of a call without an answer is looked up at the end.
    Single,
    /// One in a call, with a unique key. Sent again until there is an answer.
    Keyed,
    /// Several in a call, of which all are made or none. Sent once.
    Array,
}

const fn pattern() -> [Lane; 46] {
    let mut all = [Lane::Single; 46];
    let mut at = 0;
    while at < all.len() {
        if at % 8 == 3 {
            all[at] = Lane::Array;
        } else if at % 2 == 0 {
            all[at] = Lane::Keyed;
        }
        at += 1;
    }
    all
}

/// What somebody wanted to be made, and what they know of it.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) lane: Lane,
    /// The counter that each of its jobs adds one to.
    pub(crate) counter: String,
    /// The unique key; of its lane only.
    pub(crate) unique: Option<String>,
    pub(crate) count: u64,
    /// Jobs that were answered for.
    pub(crate) ids: Vec<String>,
    /// Calls without an answer.
    pub(crate) unanswered: u64,
}

impl Order {
    fn new(number: u64) -> Self {
        let lane = PATTERN[usize::try_from(number % PATTERN.len() as u64).unwrap_or_default()];
        let name = match lane {
            Lane::Single => "single",
            Lane::Keyed => "keyed",
            Lane::Array => "array",
        };
        Self {
            lane,
            counter: format!("{name}-{}", (number / 7) % COUNTERS),
            unique: (lane == Lane::Keyed).then(|| format!("order-{number}")),
            count: if lane == Lane::Array { ARRAY } else { 1 },
            ids: Vec::new(),
            unanswered: 0,
        }
    }

    fn body(&self) -> String {
        let mut job = json!({
            "kind": "demo.count", "args": {"key": self.counter}, "max_attempts": 1000,
        });
        if let Some(key) = &self.unique {
            job["unique_key"] = json!(key);
        }
        if self.lane != Lane::Array {
            return job.to_string();
        }
        Value::from(vec![job; usize::try_from(self.count).unwrap_or_default()]).to_string()
    }
}

/// How many jobs have been ordered and answered for until now.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) accepted: AtomicU64,
    pub(crate) unanswered: AtomicU64,
}

/// Orders so many jobs at even distances over this time, and gives what came of each order.
pub(crate) fn run(
    addresses: &Addresses,
    key: &str,
    (jobs, time): (u64, Duration),
    progress: &Arc<Progress>,
) -> Result<Vec<Order>> {
    runtime()?.block_on(async {
        let turns = Arc::new(Turns::new(jobs, time));
        let mut callers = JoinSet::new();
        for number in 0..CALLERS {
            let caller = Caller::new(addresses.clone(), key, number);
            callers.spawn(produce(caller, turns.clone(), progress.clone()));
        }
        let mut orders = Vec::new();
        while let Some(ended) = callers.join_next().await {
            orders.extend(ended.context("a caller's task died")??);
        }
        Ok(orders)
    })
}

async fn produce(
    mut caller: Caller,
    turns: Arc<Turns>,
    progress: Arc<Progress>,
) -> Result<Vec<Order>> {
    let mut orders = Vec::new();
    while let Some((mut order, due)) = turns.next() {
        tokio::time::sleep_until(due.into()).await;
        let body = order.body();
        loop {
            match caller.post("/api/jobs", &body).await {
                Said::Yes(answer) => {
                    order.ids = ids(&answer)?;
                    ensure!(order.ids.len() as u64 == order.count, "not an answer for {body}");
                    progress.accepted.fetch_add(order.count, Ordering::Relaxed);
                    break;
                }
                Said::No(status, text) => {
                    anyhow::bail!("the server refused {body} with {status}: {text}")
                }
                Said::Unknown => {
                    order.unanswered += 1;
                    progress.unanswered.fetch_add(1, Ordering::Relaxed);
                    caller.turn_away();
                }
            }
            if order.lane != Lane::Keyed {
                break;
            }
            // Whoever has trouble is not asked as fast as possible.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        orders.push(order);
    }
    Ok(orders)
}

/// Whose turn it is, with what, and when.
struct Turns {
    taken: AtomicU64,
    orders: u64,
    time: Duration,
    begun: Instant,
}

impl Turns {
    fn new(jobs: u64, time: Duration) -> Self {
        let round: u64 = (0..PATTERN.len() as u64).map(|number| Order::new(number).count).sum();
        let (rounds, rest) = (jobs / round, jobs % round);
        let mut orders = rounds * PATTERN.len() as u64;
        let mut left = rest;
        // The last ones need not come out even: never fewer than were asked for.
        while left > 0 {
            left = left.saturating_sub(Order::new(orders).count);
            orders += 1;
        }
        Self { taken: AtomicU64::new(0), orders, time, begun: Instant::now() }
    }

    fn next(&self) -> Option<(Order, Instant)> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        (number < self.orders).then(|| {
            let part = number as f64 / self.orders as f64;
            (Order::new(number), self.begun + self.time.mul_f64(part))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(jobs: u64) -> Vec<Order> {
        let turns = Turns::new(jobs, Duration::from_secs(1));
        std::iter::from_fn(|| turns.next().map(|(order, _)| order)).collect()
    }

    #[test]
    fn as_many_jobs_are_ordered_as_were_asked_for_in_every_way() {
        for jobs in [1, 99, 100, 12_345] {
            let orders = all(jobs);
            let count: u64 = orders.iter().map(|order| order.count).sum();
            assert!((jobs..jobs + ARRAY).contains(&count), "{jobs}: {count}");
        }
        let orders = all(1000);
        for lane in [Lane::Single, Lane::Keyed, Lane::Array] {
            let jobs: u64 =
                orders.iter().filter(|order| order.lane == lane).map(|order| order.count).sum();
            assert!(jobs > 150, "{lane:?}: {jobs}");
        }
    }

    #[test]
    fn each_keyed_order_has_a_key_of_its_own_and_lanes_share_no_counter() {
        let orders = all(5000);
        let mut keys: Vec<_> = orders.iter().filter_map(|order| order.unique.clone()).collect();
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
        for order in &orders {
            let lane = format!("{:?}-", order.lane).to_lowercase();
            assert!(order.counter.starts_with(&lane), "{order:?}");
            assert_eq!(order.unique.is_some(), order.lane == Lane::Keyed);
        }
    }

    #[test]
    fn a_body_asks_for_one_job_or_for_all_of_an_array() {
        let one: Value = serde_json::from_str(&Order::new(0).body()).unwrap();
        assert_eq!(one["unique_key"], "order-0");
        let many: Value = serde_json::from_str(&Order::new(3).body()).unwrap();
        assert_eq!(many.as_array().unwrap().len() as u64, ARRAY);
        assert!(many[0].get("unique_key").is_none());
    }
}
