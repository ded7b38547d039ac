//! Counters that hold over calls, restarts and instances, and count each call, job and minute once.

use std::sync::Arc;

use mindflight_core::{Context, JobArgs, Jobs, Result, Tools};

use crate::{Demo, pace};

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let about = "Adds one to a counter and gives its value. The counter outlives restarts; a call counts exactly once.";
    t.add("count", about, Demo::count).transactional();
    let about = "Reads a counter without counting: those of `count`, and `demo.ping` and `demo.received` for events that were counted.";
    t.add("counted", about, Demo::counted).read_only();
}

pub(crate) fn jobs(j: &mut Jobs<Demo>) {
    // The counter is the tool's: a job is one more way to count.
    j.add(Demo::count).transactional().backoff(pace::quick());
    j.add(Demo::tick).transactional().backoff(pace::quick()).every("* * * * *");
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub(crate) struct Counter {
    /// Which counter.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) key: String,
}

impl JobArgs for Counter {
    const KIND: &'static str = "count";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Tick {}

impl JobArgs for Tick {
    const KIND: &'static str = "tick";
}

/// The name of a counter's value in memory.
pub(crate) fn name_of(key: &str) -> String {
    format!("count:{key}")
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Count {
    /// The counter's value; a call or job that counts is in it.
    count: i64,
}

impl Demo {
    async fn count(self: Arc<Self>, cx: Context, counter: Counter) -> Result<Count> {
        let mut tx = cx.begin().await?;
        let count = tx.memory().add(&name_of(&counter.key), 1).await?;
        tx.finish(Count { count }).await
    }

    async fn counted(self: Arc<Self>, cx: Context, counter: Counter) -> Result<Count> {
        let count = cx.memory().get(&name_of(&counter.key)).await?.unwrap_or_default();
        Ok(Count { count })
    }

    async fn tick(self: Arc<Self>, cx: Context, Tick {}: Tick) -> Result<Count> {
        let mut tx = cx.begin().await?;
        let count = tx.memory().add("ticks", 1).await?;
        tx.finish(Count { count }).await
    }
}
