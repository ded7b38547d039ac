//! A counter that holds over calls, restarts and instances, and counts each call once.

use std::sync::Arc;

use mindflight_core::{Context, Result, Tools};

use crate::Demo;

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let about = "Adds one to a counter and gives its value. The counter outlives restarts; a call counts exactly once.";
    t.add("count", about, Demo::count).transactional();
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Counter {
    /// Which counter.
    #[schemars(length(min = 1, max = 100))]
    key: String,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Count {
    /// The counter's value, this call included.
    count: i64,
}

impl Demo {
    async fn count(self: Arc<Self>, cx: Context, counter: Counter) -> Result<Count> {
        let mut tx = cx.begin().await?;
        let key = format!("count:{}", counter.key);
        let count = tx.memory().add(&key, 1).await?;
        tx.finish(Count { count }).await
    }
}
