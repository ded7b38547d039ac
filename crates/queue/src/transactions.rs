//! Transactions in which calls and attempts are closed, with jobs that are made in them.

use async_trait::async_trait;
use mindflight_api::JobId;
use mindflight_core::ports::{
    Lease, NewEvent, NewJob, Record, Set, Stored, Transaction, Transactions as Port, Written,
};
use mindflight_core::{Cause, Result};
use mindflight_store::Transactions as Store;
use mindflight_store::events::NewRow;
use mindflight_store::jobs::Due;
use mindflight_store::signal::Urgency;
use mindflight_store::transactions::Open as Inner;
use serde_json::Value;

use crate::graph;
use crate::{Queue, Request};

/// Opens transactions.
pub(crate) struct Transactions {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
}

#[async_trait]
impl Port for Transactions {
    async fn begin(
        &self,
        record: Record,
        lease: Option<Lease>,
        cause: Option<Cause>,
    ) -> Result<Box<dyn Transaction>> {
        let (queue, ready) = (self.queue.clone(), Vec::new());
        let urgency = lease.map(|_| Urgency::Soon);
        let inner = self.store.begin(record, lease, cause).await?;
        Ok(Box::new(Open { inner, queue, ready, later: false, urgency }))
    }
}

/// An open transaction, and whom to wake once it is committed.
struct Open {
    inner: Inner,
    queue: Queue,
    ready: Vec<i16>,
    later: bool,
    /// How soon what it publishes has to be seen, if it does.
    urgency: Option<Urgency>,
}

#[async_trait]
impl Transaction for Open {
    async fn get(&mut self, space: &str, key: &str) -> Result<Option<Stored>> {
        self.inner.get(space, key).await
    }

    async fn set(&mut self, space: &str, key: &str, value: Value, how: Set) -> Result<Written> {
        self.inner.set(space, key, value, how).await
    }

    async fn add(&mut self, space: &str, key: &str, by: i64) -> Result<i64> {
        self.inner.add(space, key, by).await
    }

    async fn enqueue(&mut self, job: NewJob) -> Result<JobId> {
        graph::check([&job.options])?;
        let row = self.queue.0.resolve(&Request { job, caller: None }).await?.row;
        match row.due {
            Due::Now => self.ready.push(row.queue),
            Due::After(_) | Due::At(_) => self.later = true,
        }
        self.inner.enqueue(row).await
    }

    async fn publish(&mut self, event: NewEvent) -> Result<String> {
        self.urgency = Some(Urgency::Now);
        self.inner.publish(NewRow::of(event)?).await
    }

    async fn finish(self: Box<Self>, output: &Value) -> Result<()> {
        let Self { inner, queue, mut ready, later, urgency } = *self;
        ready.extend(inner.finish(output).await?);
        queue.made(&ready, later);
        if let Some(urgency) = urgency {
            queue.0.signals.published(urgency);
        }
        Ok(())
    }
}
