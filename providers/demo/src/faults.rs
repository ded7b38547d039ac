//! Tools and kinds of jobs that fail: as asked, a few times, and by a panic.

use std::sync::Arc;
use std::time::Duration;

use mindflight_core::api::{Code, Retry};
use mindflight_core::{Context, Error, JobArgs, Jobs, Result, Tools};

use crate::{Demo, pace};

pub(crate) fn tools(t: &mut Tools<Demo>) {
    let fail = "Fails with the given code and message. Use it to see how a client treats an error.";
    t.add("fail", fail, Demo::fail).read_only();
    let flaky =
        "Fails some times for each key, then works. Use it to see how a client repeats calls.";
    t.add("flaky", flaky, Demo::flaky);
    let panic = "Panics. Use it to see that one broken call leaves the server alone.";
    t.add("panic", panic, Demo::panic).read_only();
}

pub(crate) fn jobs(j: &mut Jobs<Demo>) {
    j.add(Demo::flaky_job).backoff(pace::quick());
    j.add(Demo::panic_job).max_attempts(3).backoff(pace::quick());
    j.add(Demo::fail_job).backoff(pace::quick());
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Fail {
    /// The error's code: one of the server's, such as `not_found`, with its status; any other has status 500.
    #[schemars(length(max = 64), regex(pattern = "^[a-z][a-z0-9_.]*$"))]
    code: String,
    /// The sentence that the caller reads.
    #[schemars(length(max = 1000))]
    message: String,
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Flaky {
    /// Which calls or attempts belong together.
    #[schemars(length(min = 1, max = 100))]
    key: String,
    /// How many with this key fail before one works.
    #[schemars(range(max = 1000))]
    fail_times: u32,
}

impl JobArgs for Flaky {
    const KIND: &'static str = "flaky";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Panic {}

impl JobArgs for Panic {
    const KIND: &'static str = "panic";
}

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct FailJob {
    /// The sentence that the error says.
    #[schemars(length(max = 1000))]
    message: Option<String>,
}

impl JobArgs for FailJob {
    const KIND: &'static str = "fail";
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Attempts {
    /// Calls or attempts with this key so far, this one among them.
    attempts: i64,
}

/// Nothing.
#[derive(serde::Serialize, schemars::JsonSchema)]
struct Nothing {}

impl Demo {
    async fn fail(self: Arc<Self>, _cx: Context, input: Fail) -> Result<Nothing> {
        let Some(code) = Code::find(&input.code) else {
            return Err(Error::failed(input.message).code(input.code));
        };
        let error = Error::of(*code, input.message);
        Err(match code.retry {
            Retry::After => error.wait(Duration::from_secs(1)),
            Retry::No | Retry::AfterFix | Retry::Same => error,
        })
    }

    async fn flaky(self: Arc<Self>, cx: Context, input: Flaky) -> Result<Attempts> {
        let attempts = cx.memory().add(&format!("flaky:{}", input.key), 1).await?;
        if attempts > i64::from(input.fail_times) {
            return Ok(Attempts { attempts });
        }
        let detail = format!("failure {attempts} of {}, as asked", input.fail_times);
        Err(Error::unavailable(detail)
            .code("demo.flaky")
            .fix("Call it again with the same key.")
            .wait(Duration::from_millis(100)))
    }

    async fn panic(self: Arc<Self>, _cx: Context, (): ()) -> Result<Nothing> {
        panic!("demo_panic was called")
    }

    /// As the tool, but it leaves the wait to the backoff of its kind.
    async fn flaky_job(self: Arc<Self>, cx: Context, input: Flaky) -> Result<Attempts> {
        let attempts = cx.memory().add(&format!("flaky_job:{}", input.key), 1).await?;
        if attempts > i64::from(input.fail_times) {
            return Ok(Attempts { attempts });
        }
        let detail = format!("failure {attempts} of {}, as asked", input.fail_times);
        Err(Error::unavailable(detail).code("demo.flaky"))
    }

    async fn panic_job(self: Arc<Self>, _cx: Context, Panic {}: Panic) -> Result<Nothing> {
        panic!("a job of the kind demo.panic was run")
    }

    async fn fail_job(self: Arc<Self>, _cx: Context, input: FailJob) -> Result<Nothing> {
        let message = input.message.unwrap_or_else(|| "it failed, as asked".to_owned());
        Err(Error::failed(message).code("demo.failed").permanent())
    }
}
