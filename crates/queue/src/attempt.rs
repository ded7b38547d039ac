//! Runs attempts: each worker takes one job after another, runs its handler, and says what becomes of the job.

use std::sync::Arc;
use std::time::Duration;

use mindflight_api::{RequestId, codes};
use mindflight_core::caller::Origin;
use mindflight_core::context::CallFacts;
use mindflight_core::nul;
use mindflight_core::policy::{Next, Outcome, after_attempt};
use mindflight_core::progress::Report;
use mindflight_core::{Caller, Cause, Context, Error, Event, Result};
use mindflight_store::jobs::{Claimed, End, Finished};
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::caller;
use crate::error::as_job_error;
use crate::held::Stop;
use crate::kinds::{MountedKind, Numbered, Runs, ToolAttempt};
use crate::queue::Shared;
use crate::recorder::JobReport;

/// Takes jobs and runs them until told to stop taking.
pub(crate) async fn work(shared: Arc<Shared>, taking: CancellationToken) {
    while let Some(claimed) = taking.run_until_cancelled(shared.backlog.next()).await {
        run(&shared, claimed).await;
    }
}

/// What a handler came to.
struct Ended {
    result: Result<Value>,
    /// Its transaction has written the job's end already.
    is_closed: bool,
}

async fn run(shared: &Shared, claimed: Claimed) {
    let (lease, token, began) = (claimed.lease, CancellationToken::new(), Instant::now());
    let kind = shared.kinds.numbered(claimed.kind);
    let longest = kind.as_ref().map_or(Duration::ZERO, |kind| kind.runs.options().deadline);
    let deadline = began + longest;
    let Some(slot) = shared.held.starts(lease, &token, (began, deadline)) else { return };
    let ended = match &kind {
        // It was cancelled while it waited here.
        Some(_) if token.is_cancelled() => {
            Some(Ended { result: Err(cancelled()), is_closed: false })
        }
        Some(kind) => Some(start(shared, kind, &claimed, (token, deadline)).await),
        // Its provider was switched off after the job was taken.
        None => None,
    };
    drop(slot);
    let took = began.elapsed();
    shared.pace.took(took);
    let (stop, is_held) = shared.held.ends(lease);
    let (Some(kind), Some(ended)) = (kind, ended) else {
        return send(shared, None, &claimed, End::Returned);
    };
    kind.meters.duration.record(took.as_secs_f64());
    if ended.is_closed {
        kind.meters.succeeded.increment(1);
        return shared.held.wrote([lease]);
    }
    if !is_held || stop == Some(Stop::Lost) {
        tracing::warn!(job = %lease.job, kind = %kind.name, attempt = lease.attempt,
            "attempt {} at job {} is not this worker's any more; its end is not written", lease.attempt, lease.job);
        return shared.held.wrote([lease]);
    }
    let end = decide(shared, &kind, &claimed, (ended.result, stop));
    kind.meters.count(&end);
    send(shared, Some(&kind.runs), &claimed, end);
}

fn send(shared: &Shared, runs: Option<&Runs>, claimed: &Claimed, end: End) {
    // Somebody waits for the result of a tool, whatever the queue does with the rest.
    let is_tool = matches!(runs, Some(Runs::Tool { .. }));
    shared.unwritten.add(Finished {
        lease: claimed.lease,
        kind: claimed.kind,
        end,
        is_tied: claimed.is_unique || claimed.is_gated,
        keeps_history: is_tool || shared.kinds.keeps_history(claimed.queue),
        cause: runs.and_then(|runs| cause_of(runs, claimed)),
    });
}

/// Why the job was made, if an event led to it: that event itself, or what whoever made the job said.
fn cause_of(runs: &Runs, claimed: &Claimed) -> Option<Cause> {
    if let Runs::Kind(mounted) = runs
        && mounted.kind.listens.is_some()
    {
        let event: Event = serde_json::from_str(&claimed.args).ok()?;
        return Some(event.cause());
    }
    let cause = claimed.meta.as_ref()?.get("cause")?;
    serde_json::from_value(cause.clone()).ok()
}

/// Who made the job, where its kind wants to know.
fn caller_of(mounted: &MountedKind, claimed: &Claimed) -> Caller {
    let made_by = || claimed.meta.as_ref().and_then(|meta| meta.get("caller"));
    match mounted.kind.options.as_caller {
        true => made_by().map_or_else(Caller::public, caller::read),
        false => Caller::public(),
    }
}

async fn start(
    shared: &Shared,
    kind: &Numbered,
    claimed: &Claimed,
    (token, deadline): (CancellationToken, Instant),
) -> Ended {
    let report: Arc<dyn Report> = Arc::new(JobReport::new(shared, claimed.lease));
    match &kind.runs {
        Runs::Kind(mounted) => {
            let facts = CallFacts {
                caller: caller_of(mounted, claimed),
                origin: Origin { request: RequestId::from(claimed.lease.job.uuid()), ip: None },
                action: "job.attempt",
                target: kind.name.to_string(),
                deadline: deadline.into_std(),
                cancelled: token.clone(),
                report,
                idempotency_key: Some(claimed.lease.job.to_string()),
                lease: Some(claimed.lease),
                cause: cause_of(&kind.runs, claimed),
            };
            let cx = Context::new(mounted.provider.clone(), facts);
            let (declared, inner) = (mounted.kind.clone(), cx.clone());
            let args = claimed.args.clone();
            let work = Box::pin(async move { declared.run(inner, &args).await });
            let result = guarded(shared, &kind.name, work, token).await;
            Ended { result, is_closed: cx.is_closed() }
        }
        Runs::Tool { .. } => {
            let arguments = match serde_json::from_str(&claimed.args) {
                Ok(arguments) => arguments,
                Err(error) => {
                    let result = Err(Error::internal(error).permanent());
                    return Ended { result, is_closed: false };
                }
            };
            let meta = claimed.meta.as_ref().and_then(|meta| meta.get("caller"));
            let attempt = ToolAttempt {
                tool: kind.name.to_string(),
                arguments,
                caller: caller::read(meta.unwrap_or(&Value::Null)),
                lease: claimed.lease,
                cancelled: token.clone(),
                report,
            };
            let tools = shared.tools.clone();
            let work = Box::pin(async move { tools.run(attempt).await });
            let result = guarded(shared, &kind.name, work, token).await;
            Ended { result, is_closed: false }
        }
    }
}

/// Runs the handler. Once it is told to stop, at its deadline or before, it has the guard's grace, and then its slot
/// is free.
async fn guarded(
    shared: &Shared,
    name: &str,
    work: mindflight_core::BoxFuture<Result<Value>>,
    token: CancellationToken,
) -> Result<Value> {
    let mut running = shared.guard.start(name, work, token.clone());
    tokio::select! {
        result = &mut running => return result,
        () = token.cancelled() => {}
    }
    let ended = tokio::time::timeout(shared.guard.grace(), running).await;
    ended.unwrap_or_else(|_| Err(cancelled()))
}

fn cancelled() -> Error {
    Error::of(codes::JOB_CANCELLED, "the job was cancelled while it ran")
}

/// What becomes of a job whose attempt has ended.
fn decide(
    shared: &Shared,
    kind: &Numbered,
    claimed: &Claimed,
    (result, stop): (Result<Value>, Option<Stop>),
) -> End {
    let error = match result.and_then(|value| text(&value, shared.settings.max_result)) {
        Ok(result) => return End::Succeeded(result),
        Err(error) => error,
    };
    let error = match stop {
        Some(Stop::Cancelled) => return End::Cancelled(as_job_error(&cancelled())),
        Some(Stop::Shutdown | Stop::Lost) => return End::Returned,
        Some(Stop::Deadline) => {
            let detail = format!("`{}` did not finish before its deadline", kind.name);
            Error::of(codes::TIMEOUT, detail)
        }
        None => named(error),
    };
    let lease = claimed.lease;
    tracing::warn!(job = %lease.job, kind = %kind.name, attempt = lease.attempt, code = error.name(), error = ?error,
        "attempt {} at job {} failed: {error}", lease.attempt, lease.job);
    let limits = (lease.attempt, u32::from(claimed.max_attempts));
    let backoff = &kind.runs.options().backoff;
    match after_attempt(&Outcome::Failed(&error), limits, backoff, random()) {
        Next::Retry(wait) => End::Retry(wait, as_job_error(&error)),
        Next::Snooze(wait) => End::Snooze(wait),
        Next::Failed | Next::Succeeded | Next::Cancelled => End::Failed(as_job_error(&error)),
    }
}

/// A panic of a job is retried, other than one of a tool that somebody waits for.
fn named(error: Error) -> Error {
    match error.name() == codes::TOOL_PANICKED.name {
        true => {
            Error::of(codes::JOB_PANICKED, error.detail().to_owned()).because(format!("{error:?}"))
        }
        false => error,
    }
}

fn text(value: &Value, most: usize) -> Result<String> {
    let (text, has_nul) = nul::to_json(value);
    if text.len() > most {
        let detail = format!("the result has {} bytes; {most} are allowed", text.len());
        return Err(Error::too_large(detail).permanent());
    }
    if has_nul {
        let detail = "the result has a NUL character (\\u0000), which cannot be stored";
        return Err(Error::failed(detail).permanent());
    }
    Ok(text)
}

/// In 0–1, for jitter.
fn random() -> f64 {
    let share = getrandom::u32().unwrap_or(u32::MAX / 2);
    f64::from(share) / f64::from(u32::MAX)
}

/// A pause that differs from that of other processes: between 0.75 and 1.25 of `pause`.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + random() / 2.0)
}
