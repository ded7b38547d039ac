//! Tools and a kind of job that take their time, well behaved and not.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::{Context, Error, JobArgs, Jobs, Result, Tools};

use crate::{Demo, pace};

/// Steps in which a sleep tells its progress.
const STEPS: u32 = 10;

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let sleep = "Waits for some milliseconds. Use it to see progress, cancellation and deadlines; a call is cut after 30 s.";
    t.add("sleep", sleep, Demo::sleep).read_only();
    let block = "Blocks a thread of the server for some milliseconds. Use it to see what a badly written tool does to others.";
    t.add("block", block, Demo::block).read_only();
}

pub(crate) fn jobs(j: &mut Jobs<Demo>) {
    // As long as the longest sleep, and some time to spare.
    j.add(Demo::sleep_job).deadline(Duration::from_secs(3660)).backoff(pace::quick());
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Sleep {
    /// How long to wait, in milliseconds, at most one hour.
    #[schemars(range(max = 3_600_000))]
    ms: u64,
}

impl JobArgs for Sleep {
    const KIND: &'static str = "sleep";
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Slept {
    /// How long it waited, in milliseconds.
    slept_ms: u64,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Block {
    /// How long to block, in milliseconds, at most one minute.
    #[schemars(range(max = 60_000))]
    ms: u64,
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Blocked {
    /// How long it blocked, in milliseconds.
    blocked_ms: u64,
}

impl Demo {
    async fn sleep(self: Arc<Self>, cx: Context, input: Sleep) -> Result<Slept> {
        if input.ms == 0 {
            // What a benchmark of everything around a handler wants.
            return Ok(Slept { slept_ms: 0 });
        }
        let step = Duration::from_millis(input.ms) / STEPS;
        for done in 1..=STEPS {
            cx.sleep(step).await;
            if cx.is_cancelled() {
                return Err(Error::conflict("cancelled while it slept"));
            }
            cx.progress(f64::from(done), f64::from(STEPS), "sleeping");
        }
        let slept_ms = input.ms;
        Ok(Slept { slept_ms })
    }

    async fn sleep_job(self: Arc<Self>, cx: Context, input: Sleep) -> Result<Slept> {
        if input.ms > 0 {
            cx.log(format!("attempt {} sleeps for {} ms", cx.attempt(), input.ms));
        }
        self.sleep(cx, input).await
    }

    #[expect(clippy::disallowed_methods, reason = "to block a thread is what this tool is for")]
    async fn block(self: Arc<Self>, _cx: Context, input: Block) -> Result<Blocked> {
        std::thread::sleep(Duration::from_millis(input.ms));
        let blocked_ms = input.ms;
        Ok(Blocked { blocked_ms })
    }
}
