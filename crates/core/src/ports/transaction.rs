//! The transaction in which a call or attempt is closed.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use serde_json::Value;

use super::{NewEvent, NewJob, NotSupported, Set, Stored, Written};
use crate::Result;
use crate::caller::{Caller, Origin};
use crate::event::Cause;

/// What the audit log says about one act.
#[derive(Debug, Clone)]
pub struct Record {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What was done: `tool.call`, `key.create`, …
    pub action: &'static str,
    /// What it was done to.
    pub target: String,
    /// `ok`, or the code of the error.
    pub outcome: String,
    /// Who did it.
    pub caller: Caller,
    /// In which request.
    pub origin: Origin,
    /// Further facts; never arguments, results or secrets.
    pub detail: Value,
}

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Writes one row; durable when this returns.
    async fn write(&self, record: Record) -> Result<()>;
}

/// One attempt at a job, as the worker that claimed it holds it. Whoever ends the attempt must still hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// The worker's number.
    pub worker: i64,
    /// The attempt's number, from 1.
    pub attempt: u32,
}

/// Opens transactions.
#[async_trait]
pub trait Transactions: Send + Sync {
    /// Opens the transaction in which the call that `record` describes, or the attempt that holds `lease`,
    /// will be closed. What it publishes at its end carries `cause` on.
    async fn begin(
        &self,
        record: Record,
        lease: Option<Lease>,
        cause: Option<Cause>,
    ) -> Result<Box<dyn Transaction>>;
}

/// An open transaction. Dropped without `finish`, it has written nothing.
#[async_trait]
pub trait Transaction: Send {
    /// As [`super::Memory::get`], and locks the key until the end.
    async fn get(&mut self, space: &str, key: &str) -> Result<Option<Stored>>;

    /// As [`super::Memory::set`].
    async fn set(&mut self, space: &str, key: &str, value: Value, how: Set) -> Result<Written>;

    /// As [`super::Memory::add`].
    async fn add(&mut self, space: &str, key: &str, by: i64) -> Result<i64>;

    /// Makes a job that exists if this commits.
    async fn enqueue(&mut self, job: NewJob) -> Result<JobId>;

    /// Publishes an event that exists if this commits.
    async fn publish(&mut self, event: NewEvent) -> Result<String>;

    /// Writes the outcome of the call or attempt and commits; 409 `lease_lost` if the attempt is another worker's now.
    async fn finish(self: Box<Self>, output: &Value) -> Result<()>;
}

#[async_trait]
impl Transactions for NotSupported {
    async fn begin(
        &self,
        _: Record,
        _: Option<Lease>,
        _: Option<Cause>,
    ) -> Result<Box<dyn Transaction>> {
        Self::refuse("transactions")
    }
}
