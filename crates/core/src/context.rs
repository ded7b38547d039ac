//! The contexts: all that a provider may touch arrives in one of these.

mod facades;
mod http;
mod provider;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use mindflight_api::{JobId, RequestId, codes};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use self::facades::{Events, Graph, Jobs, Memory};
pub use self::http::Http;
pub use self::provider::ProviderContext;
use crate::caller::{Caller, Origin};
use crate::event::Cause;
use crate::ports::{Lease, Parent, Record};
use crate::progress::{Progress, Report};
use crate::tx::{self, Tx};
use crate::{Error, Result};

/// What one call of a tool, route, job or subscription may touch. Cheap to clone; the first parameter of every handler.
#[derive(Clone)]
pub struct Context {
    provider: ProviderContext,
    call: Arc<Call>,
}

/// What the runner of a handler knows about this one call.
pub struct CallFacts {
    /// Who is calling.
    pub caller: Caller,
    /// Which request, from where.
    pub origin: Origin,
    /// What the audit log calls it: `tool.call`, `route.call`, …
    pub action: &'static str,
    /// The tool's, route's or kind's name.
    pub target: String,
    /// When the call is cut.
    pub deadline: Instant,
    /// Cancelled at the deadline, when the caller goes away, or when the server stops.
    pub cancelled: CancellationToken,
    /// Where progress and log lines go.
    pub report: Arc<dyn Report>,
    /// The caller's key for retries of this call.
    pub idempotency_key: Option<String>,
    /// The attempt at a job that this is.
    pub lease: Option<Lease>,
    /// Why the call is made: what it publishes and enqueues carries it on.
    pub cause: Option<Cause>,
}

struct Call {
    facts: CallFacts,
    /// A transaction was opened; a call has one.
    began: AtomicBool,
    /// A transaction is open.
    open: AtomicBool,
    /// The transaction wrote the call's outcome.
    closed: AtomicBool,
}

impl Context {
    /// A context for one call; for whoever runs handlers.
    #[must_use]
    pub fn new(provider: ProviderContext, facts: CallFacts) -> Self {
        let (began, open, closed) = Default::default();
        Self { provider, call: Arc::new(Call { facts, began, open, closed }) }
    }

    /// The provider's mounted name.
    #[must_use]
    pub fn provider(&self) -> &str {
        self.provider.name()
    }

    /// Who is calling.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.call.facts.caller
    }

    /// The request's id, as in the answer and in the log.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.call.facts.origin.request
    }

    /// The caller's key for retries of this call; pass it on to services that take one.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.call.facts.idempotency_key.as_deref()
    }

    /// The job that this call is an attempt at, if it is one.
    #[must_use]
    pub fn job(&self) -> Option<JobId> {
        self.call.facts.lease.map(|lease| lease.job)
    }

    /// The attempt's number, from 1; 0 in a call that is no attempt at a job.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.call.facts.lease.map_or(0, |lease| lease.attempt)
    }

    /// The hold on the job that this call is an attempt at; for what a server brings itself.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        self.call.facts.lease
    }

    /// Why the call is made, if an event led to it.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.call.facts.cause.as_ref()
    }

    /// Time left until the call is cut.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.call
            .facts
            .deadline
            // The runtime's clock, which is what cuts the call and what tests can move.
            .saturating_duration_since(tokio::time::Instant::now().into_std())
    }

    /// Whether the work should stop: nobody will read its result.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.call.facts.cancelled.is_cancelled()
    }

    /// Ends when the work should stop.
    pub async fn cancelled(&self) {
        self.call.facts.cancelled.cancelled().await;
    }

    /// Reports a step forward, such as `(31, 50, "rendering")`; a total of 0 means that it is not known.
    pub fn progress(&self, done: f64, total: f64, message: impl Into<String>) {
        let total = (total > 0.0).then_some(total);
        let message = Some(message.into()).filter(|text| !text.is_empty());
        self.call.facts.report.progress(Progress { done, total, message });
    }

    /// Writes a line into the caller's log of this call. Never secrets.
    pub fn log(&self, line: impl AsRef<str>) {
        self.call.facts.report.log(line.as_ref());
    }

    /// The present, on the server's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.provider.ports().clock.now()
    }

    /// Ends when `wait` has passed on the server's clock, or at once when the work should stop.
    pub async fn sleep(&self, wait: Duration) {
        let sleep = self.provider.ports().clock.sleep(wait);
        self.call.facts.cancelled.run_until_cancelled(sleep).await;
    }

    /// The provider's memory. What is written here is written at once: at least once, if the call is repeated.
    #[must_use]
    pub fn memory(&self) -> Memory<'_> {
        self.provider.memory()
    }

    /// The job queue.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        self.provider.jobs().because(self.cause())
    }

    /// The jobs that this one waited for, in the order in which it named them, each with its result or error; those
    /// that are forgotten by now are left out. Empty in a call that is no attempt at a job.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn parents(&self) -> Result<Vec<Parent>> {
        match self.job() {
            Some(job) => self.provider.jobs().parents(job).await,
            None => Ok(Vec::new()),
        }
    }

    /// The event log.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        self.provider.events().because(self.cause())
    }

    /// Documents.
    #[must_use]
    pub fn resources(&self) -> &dyn crate::ports::Resources {
        &*self.provider.ports().resources
    }

    /// The outside world. Refuses while a transaction is open.
    #[must_use]
    pub fn http(&self) -> Http<'_> {
        Http::new(&*self.provider.ports().http, self.call.open.load(Ordering::Relaxed))
    }

    /// Opens the transaction in which this call will be closed: one per call, at most 5 s.
    ///
    /// # Errors
    /// 500 `provider_error` when the call has opened one before; 503 when the database is away.
    pub async fn begin(&self) -> Result<Tx> {
        if self.call.began.swap(true, Ordering::Relaxed) {
            return Err(Error::failed(
                "a call can open one transaction, and this one opened a second",
            ));
        }
        let transactions = &self.provider.ports().transactions;
        let record = self.record("ok".to_owned());
        let open = tokio::time::timeout(
            tx::LIMIT,
            transactions.begin(record, self.call.facts.lease, self.call.facts.cause.clone()),
        )
        .await
        .map_err(|_| {
            Error::of(codes::DATABASE_UNAVAILABLE, "no transaction could be opened within 5 s")
                .wait(Duration::from_secs(1))
        })??;
        self.call.open.store(true, Ordering::Relaxed);
        Ok(Tx::new(open, self.clone()))
    }
}

/// For whoever runs handlers.
impl Context {
    /// What the audit log says about this call, given its outcome.
    #[must_use]
    pub fn record(&self, outcome: String) -> Record {
        let facts = &self.call.facts;
        Record {
            at: self.now(),
            action: facts.action,
            target: facts.target.clone(),
            outcome,
            caller: facts.caller.clone(),
            origin: facts.origin,
            detail: Value::Null,
        }
    }

    /// Whether a transaction has written the call's outcome already.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.call.closed.load(Ordering::Acquire)
    }

    pub(crate) fn closed(&self, committed: bool) {
        self.call.closed.store(committed, Ordering::Release);
    }

    pub(crate) fn transaction_ended(&self) {
        self.call.open.store(false, Ordering::Relaxed);
    }

    pub(crate) fn space(&self) -> &str {
        self.provider.space()
    }
}
