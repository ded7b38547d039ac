//! Counters that hold over calls, restarts and instances, and count each call, job and minute once.

use std::sync::Arc;

use mindflight_core::{Context, JobArgs, Jobs, Result, Tools};

use crate::{Demo, pace};

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let about = "Adds one to a counter and gives its value. The counter outlives restarts; a call counts exactly once.";
    t.add("count", about, Demo::count).transactional();
}

pub(crate) fn jobs(j: &mut Jobs<Demo>) {
    // The counter is the tool's: a job is one more way to count.
    j.add(Demo::count).transactional().backoff(pace::quick());
    j.add(Demo::tick).transactional().backoff(pace::quick()).every("* * * * *");
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Counter {
    /// Which counter.
    #[schemars(length(min = 1, max = 100))]
    key: String,
}

impl JobArgs for Counter {
    const KIND: &'static str = "count";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Tick {}

impl JobArgs for Tick {
    const KIND: &'static str = "tick";
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Count {
    /// The counter's value, this call or job included.
    count: i64,
}

impl Demo {
    async fn count(self: Arc<Self>, cx: Context, counter: Counter) -> Result<Count> {
        let mut tx = cx.begin().await?;
        let key = format!("count:{}", counter.key);
        let count = tx.memory().add(&key, 1).await?;
        tx.finish(Count { count }).await
    }

    async fn tick(self: Arc<Self>, cx: Context, Tick {}: Tick) -> Result<Count> {
        let mut tx = cx.begin().await?;
        let count = tx.memory().add("ticks", 1).await?;
        tx.finish(Count { count }).await
    }
}
