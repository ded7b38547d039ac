//! The ports of a kit over its state: what a server keeps in PostgreSQL.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::{JobId, codes};
use mindflight_core::ports::{
    Audit, Events, Jobs, Lease, Memory, NewEvent, NewJob, Record, Set, Stored, Transaction,
    Transactions, Written,
};
use mindflight_core::tx::LIMIT;
use mindflight_core::{Error, Result};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use crate::clock::Clock;
use crate::state::State;

#[derive(Clone)]
pub(crate) struct Store {
    state: Arc<Mutex<State>>,
    /// Held by whoever writes: a transaction holds it from begin to end.
    writing: Arc<tokio::sync::Mutex<()>>,
    clock: Clock,
}

impl Store {
    pub(crate) fn new(clock: Clock) -> Self {
        let (state, writing) = Default::default();
        Self { state, writing, clock }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Waits for the transaction that is open, as long as a server would.
    async fn write(&self) -> Result<OwnedMutexGuard<()>> {
        let lock = self.writing.clone().lock_owned();
        tokio::time::timeout(LIMIT, lock).await.map_err(|_| {
            let detail = "waited 5 s for a transaction that is still open; did this call open it, and write beside it?";
            Error::of(codes::DATABASE_UNAVAILABLE, detail)
        })
    }
}

#[async_trait]
impl Memory for Store {
    async fn get(&self, space: &str, key: &str) -> Result<Option<Stored>> {
        Ok(self.state().get(space, key, self.now()))
    }

    async fn set(&self, space: &str, key: &str, value: Value, how: Set) -> Result<Written> {
        let _writing = self.write().await?;
        self.state().set((space, key), value, how, self.now())
    }

    async fn add(&self, space: &str, key: &str, by: i64) -> Result<i64> {
        let _writing = self.write().await?;
        self.state().add(space, key, by, self.now())
    }

    async fn delete(&self, space: &str, key: &str) -> Result<bool> {
        let _writing = self.write().await?;
        let was_there = self.state().get(space, key, self.now()).is_some();
        let key = (space.to_owned(), key.to_owned());
        self.state().memory.remove(&key);
        Ok(was_there)
    }

    async fn list(
        &self,
        space: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Stored>> {
        let found = self.state().list(space, (prefix, after), limit, self.now());
        Ok(found)
    }
}

#[async_trait]
impl Jobs for Store {
    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        let _writing = self.write().await?;
        let mut state = self.state();
        Ok(jobs.into_iter().map(|job| state.enqueue(job)).collect())
    }
}

#[async_trait]
impl Events for Store {
    async fn publish(&self, event: NewEvent) -> Result<String> {
        let _writing = self.write().await?;
        self.state().publish(event)
    }
}

#[async_trait]
impl Audit for Store {
    async fn write(&self, record: Record) -> Result<()> {
        let _writing = Self::write(self).await?;
        self.state().audit.push(record);
        Ok(())
    }
}

#[async_trait]
impl Transactions for Store {
    async fn begin(&self, record: Record, _: Option<Lease>) -> Result<Box<dyn Transaction>> {
        let writing = self.write().await?;
        let draft = self.state().clone();
        Ok(Box::new(Open {
            store: self.clone(),
            began: self.now(),
            draft,
            record,
            _writing: writing,
        }))
    }
}

/// An open transaction: a copy of the state that becomes the state, or is dropped.
struct Open {
    store: Store,
    began: DateTime<Utc>,
    draft: State,
    record: Record,
    _writing: OwnedMutexGuard<()>,
}

impl Open {
    /// The draft and the present, unless the transaction has been open too long.
    fn draft(&mut self) -> Result<(&mut State, DateTime<Utc>)> {
        let now = self.store.now();
        let open = (now - self.began).to_std().unwrap_or_default();
        if open > LIMIT {
            let detail = "the transaction was open longer than 5 s and has been rolled back";
            return Err(Error::of(codes::DATABASE_UNAVAILABLE, detail));
        }
        Ok((&mut self.draft, now))
    }
}

#[async_trait]
impl Transaction for Open {
    async fn get(&mut self, space: &str, key: &str) -> Result<Option<Stored>> {
        let (draft, now) = self.draft()?;
        Ok(draft.get(space, key, now))
    }

    async fn set(&mut self, space: &str, key: &str, value: Value, how: Set) -> Result<Written> {
        let (draft, now) = self.draft()?;
        draft.set((space, key), value, how, now)
    }

    async fn add(&mut self, space: &str, key: &str, by: i64) -> Result<i64> {
        let (draft, now) = self.draft()?;
        draft.add(space, key, by, now)
    }

    async fn enqueue(&mut self, job: NewJob) -> Result<JobId> {
        let (draft, _) = self.draft()?;
        Ok(draft.enqueue(job))
    }

    async fn publish(&mut self, event: NewEvent) -> Result<String> {
        let (draft, _) = self.draft()?;
        draft.publish(event)
    }

    async fn finish(mut self: Box<Self>, _output: &Value) -> Result<()> {
        let record = self.record.clone();
        let (draft, _) = self.draft()?;
        draft.audit.push(record);
        let draft = std::mem::take(draft);
        *self.store.state() = draft;
        Ok(())
    }
}
