//! One attempt at a job, as a worker makes it: a lease, a context, the guard, and what comes next.

use std::sync::Arc;

use mindflight_api::{JobId, RequestId, codes};
use mindflight_calls::validate::Schema;
use mindflight_core::caller::Origin;
use mindflight_core::context::CallFacts;
use mindflight_core::guard::Guard;
use mindflight_core::jobs::Kind;
use mindflight_core::policy::{Next, Outcome, after_attempt};
use mindflight_core::ports::Lease;
use mindflight_core::{Caller, Cause, Context, Error, Event, Provider, ProviderContext, Result};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::as_job::{AsJob, whole};
use super::run::{Fate, JobRun};
use crate::Kit;
use crate::ledger::lost;
use crate::store::Store;
use crate::watch::{Lines, Watch};

/// In the middle: waits are as long as they are declared.
const JITTER: f64 = 0.5;

/// A result that the ledger and the test both look at.
type Shared = Result<Value, Arc<Error>>;

/// What it takes to run attempts.
pub(super) struct Runner {
    pub(super) guard: Guard,
    pub(super) provider: ProviderContext,
    pub(super) store: Store,
    /// Where progress and log lines of all attempts go.
    pub(super) lines: Lines,
}

/// One attempt.
pub(super) struct Attempt {
    pub(super) kind: Arc<Kind>,
    pub(super) args: Value,
    pub(super) lease: Lease,
    pub(super) max: u32,
    /// Tells the function to stop.
    pub(super) cancelled: CancellationToken,
    /// Waits for it no longer.
    pub(super) given_up: CancellationToken,
}

impl<P: Provider> Kit<P> {
    pub(super) fn runner(&self) -> Runner {
        Runner {
            guard: self.calls.guard().clone(),
            provider: self.mounted.context().clone(),
            store: self.world.store.clone(),
            lines: self.world.lines.clone(),
        }
    }

    /// Runs the first attempt at a job, and no second one: what would come next is in the answer. Its context, deadline,
    /// transaction and lease are as on a server. Nothing is enqueued for it, so unique keys do not matter.
    ///
    /// # Panics
    /// If the provider has no such kind.
    pub async fn run_job(&self, job: impl AsJob) -> JobRun {
        let (kind, args) = (self.known_kind(job.kind()), job.args());
        let attempt = Attempt::first(&self.world.store, kind, args);
        self.runner().run(attempt).await
    }
}

impl Attempt {
    /// The next attempt at a job; nobody cancels it yet.
    pub(super) fn new(store: &Store, job: JobId, kind: Arc<Kind>, args: Value, max: u32) -> Self {
        let lease = store.ledger().claim(job, store.now());
        let (cancelled, given_up) = Default::default();
        Self { kind, args, lease, max, cancelled, given_up }
    }

    /// The first attempt at a job that nobody has enqueued.
    pub(super) fn first(store: &Store, kind: Arc<Kind>, args: Value) -> Self {
        let max = kind.options.max_attempts;
        Self::new(store, JobId::new(), kind, args, max)
    }
}

impl Runner {
    /// Runs the attempt, and writes into the ledger what becomes of its job.
    pub(super) async fn run(&self, attempt: Attempt) -> JobRun {
        let lines = Lines::default();
        let crash = self.store.wire().crash();
        let result = self.guarded(&attempt, &lines, &crash).await.map_err(Arc::new);
        let Attempt { lease, .. } = attempt;
        let is_held = self.store.ledger().holds(lease);
        let at_the_end =
            || "the end: the function is done, and its outcome is not written yet".to_owned();
        let has_crashed = crash.is_cancelled() || (is_held && self.store.wire().cuts(at_the_end));
        let kind = whole(self.provider.name(), &attempt.kind.name);
        let (result, fate) = self.close(&attempt, result, has_crashed);
        JobRun::new(kind, lease, (result, fate), &lines)
    }

    async fn guarded(
        &self,
        attempt: &Attempt,
        lines: &Lines,
        crash: &CancellationToken,
    ) -> Result<Value> {
        let Attempt { kind, args, lease, cancelled, given_up, .. } = attempt;
        let name = whole(self.provider.name(), &kind.name);
        let schema = Schema::compile(&kind.args)
            .map_err(|error| Error::failed(format!("the schema of `{name}`: {error}")))?;
        schema.check_arguments(args)?;
        let deadline = tokio::time::Instant::now().into_std() + kind.options.deadline;
        let report = Watch { call: lines.clone(), all: self.lines.clone() };
        let facts = CallFacts {
            caller: Caller::public(),
            origin: Origin { request: RequestId::from(lease.job.uuid()), ip: None },
            action: "job.attempt",
            target: name.clone(),
            deadline,
            cancelled: cancelled.clone(),
            report: Arc::new(report),
            idempotency_key: Some(lease.job.to_string()),
            lease: Some(*lease),
            cause: self.cause(attempt),
        };
        let cx = Context::new(self.provider.clone(), facts);
        let (kind, args, crash) = (kind.clone(), args.clone(), crash.clone());
        let work = async move {
            let run = async move { kind.run(cx, &args.to_string()).await };
            // A crash drops the function where it waits, without a word to it.
            crash.run_until_cancelled(run).await.unwrap_or_else(|| Err(crashed()))
        };
        let ended = self.guard.run(&name, Box::pin(work), cancelled.clone(), deadline);
        let ended = given_up.run_until_cancelled(ended).await;
        ended.unwrap_or_else(|| Err(stopped())).map_err(|error| of_a_job(&name, error))
    }

    /// Why the job was made: for an event, or as whoever made it said.
    fn cause(&self, attempt: &Attempt) -> Option<Cause> {
        if attempt.kind.listens.is_some() {
            let event: Event = serde_json::from_value(attempt.args.clone()).ok()?;
            return Some(event.cause());
        }
        let state = self.store.state();
        let job = state.jobs.iter().find(|recorded| recorded.id == attempt.lease.job)?;
        job.job.options.cause.clone()
    }

    /// What becomes of the job: only an attempt that still has it decides.
    fn close(&self, attempt: &Attempt, result: Shared, has_crashed: bool) -> (Shared, Fate) {
        let lease = attempt.lease;
        let mut ledger = self.store.ledger();
        if let Some(output) = ledger.closed_by(lease) {
            return (Ok(output.clone()), Fate::Next(Next::Succeeded));
        }
        if has_crashed {
            ledger.crash(lease);
            return (Err(crashed().into()), Fate::Crashed);
        }
        if !ledger.holds(lease) {
            return (result.and_then(|_| Err(lost(lease).into())), Fate::Lost);
        }
        let is_cancelled = ledger.life(lease.job).is_some_and(|life| life.is_cancelled);
        let result = result.map_err(|error| match is_cancelled {
            true => stopped().because(error).into(),
            false => error,
        });
        let outcome = match &result {
            Ok(_) => Outcome::Succeeded,
            Err(_) if is_cancelled => Outcome::Cancelled,
            Err(error) => Outcome::Failed(error),
        };
        let options = &attempt.kind.options;
        let next = after_attempt(&outcome, (lease.attempt, attempt.max), &options.backoff, JITTER);
        match (&result, next) {
            (Ok(output), Next::Succeeded) => drop(ledger.succeed(lease, output)),
            _ => ledger.end(lease, result.as_ref().err(), next, self.store.now()),
        }
        (result, Fate::Next(next))
    }
}

fn crashed() -> Error {
    Error::of(codes::WORKER_LOST, "the worker crashed, as the test wants it")
}

fn stopped() -> Error {
    Error::of(codes::JOB_CANCELLED, "the job was cancelled while it ran")
}

/// The guard speaks of tools.
fn of_a_job(name: &str, error: Error) -> Error {
    if error.name() == codes::TOOL_PANICKED.name {
        return Error::of(codes::JOB_PANICKED, format!("`{name}` crashed")).because(error);
    }
    error
}
