//! The transactions of a kit: a copy of the state that becomes the state.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::{JobId, codes};
use mindflight_core::Cause;
use mindflight_core::ports::{
    Lease, NewEvent, NewJob, Record, Set, Stored, Transaction, Transactions, Written,
};
use mindflight_core::tx::LIMIT;
use mindflight_core::{Error, Result};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use super::{Store, names};
use crate::state::State;

#[async_trait]
impl Transactions for Store {
    async fn begin(
        &self,
        record: Record,
        lease: Option<Lease>,
        _: Option<Cause>,
    ) -> Result<Box<dyn Transaction>> {
        self.wire.pass(|| "begin".to_owned()).await;
        let writing = self.write().await?;
        let draft = self.state().clone();
        Ok(Box::new(Open {
            store: self.clone(),
            began: self.now(),
            draft,
            record,
            lease,
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
    /// The attempt that it closes, if it is one of a job.
    lease: Option<Lease>,
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
        self.store.wire.pass(|| format!("tx.memory.get of `{key}`")).await;
        let (draft, now) = self.draft()?;
        Ok(draft.get(space, key, now))
    }

    async fn set(&mut self, space: &str, key: &str, value: Value, how: Set) -> Result<Written> {
        self.store.wire.pass(|| format!("tx.memory.set of `{key}`")).await;
        let (draft, now) = self.draft()?;
        draft.set((space, key), value, how, now)
    }

    async fn add(&mut self, space: &str, key: &str, by: i64) -> Result<i64> {
        self.store.wire.pass(|| format!("tx.memory.add of `{key}`")).await;
        let (draft, now) = self.draft()?;
        draft.add(space, key, by, now)
    }

    async fn enqueue(&mut self, job: NewJob) -> Result<JobId> {
        let jobs = vec![job];
        self.store.wire.pass(|| format!("tx.jobs.enqueue of {}", names(&jobs))).await;
        let store = self.store.clone();
        let (draft, _) = self.draft()?;
        let ids = store.enqueue_into(draft, jobs)?;
        ids.into_iter().next().ok_or_else(|| Error::internal("a job without an id"))
    }

    async fn publish(&mut self, event: NewEvent) -> Result<String> {
        self.store.wire.pass(|| format!("tx.events.publish of `{}`", event.r#type)).await;
        let (draft, _) = self.draft()?;
        draft.publish(event)
    }

    async fn finish(mut self: Box<Self>, output: &Value) -> Result<()> {
        let (store, lease, record) = (self.store.clone(), self.lease, self.record.clone());
        store.wire.pass(|| "tx.finish, before it commits".to_owned()).await;
        let (draft, _) = self.draft()?;
        match lease {
            Some(lease) => store.ledger().succeed(lease, output)?,
            None => draft.audit.push(record),
        }
        let draft = std::mem::take(draft);
        *store.state() = draft;
        store.wire.pass(|| "tx.finish, after it has committed".to_owned()).await;
        Ok(())
    }
}
