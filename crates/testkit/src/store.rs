//! The ports of a kit over its state: what a server keeps in PostgreSQL.

mod transaction;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::{JobId, codes};
use mindflight_core::jobs::Options;
use mindflight_core::ports::{
    Audit, Events, Jobs, Memory, NewEvent, NewJob, Parent, Record, Set, Stored, Written,
};
use mindflight_core::tx::LIMIT;
use mindflight_core::{Error, Result};
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use crate::clock::Clock;
use crate::graph;
use crate::ledger::Ledger;
use crate::state::State;
use crate::wire::Wire;

#[derive(Clone)]
pub(crate) struct Store {
    state: Arc<Mutex<State>>,
    /// Locked after the state, where both are.
    ledger: Arc<Mutex<Ledger>>,
    /// The kinds that the provider declares, by their whole names; none is known before it is built.
    kinds: Arc<Mutex<Option<Kinds>>>,
    /// Held by whoever writes: a transaction holds it from begin to end.
    writing: Arc<tokio::sync::Mutex<()>>,
    wire: Wire,
    clock: Clock,
}

pub(crate) type Kinds = BTreeMap<String, Options>;

impl Store {
    pub(crate) fn new(clock: Clock, wire: Wire) -> Self {
        let (state, ledger, kinds, writing) = Default::default();
        Self { state, ledger, kinds, writing, wire, clock }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// From now on, these are the kinds.
    pub(crate) fn declare(&self, kinds: Kinds) {
        *self.kinds.lock().unwrap_or_else(PoisonError::into_inner) = Some(kinds);
    }

    /// Writes jobs into `state`, all or none.
    pub(crate) fn enqueue_into(&self, state: &mut State, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        let kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        for job in &jobs {
            if let Some(kinds) = kinds.as_ref().filter(|kinds| !kinds.contains_key(&job.kind)) {
                return Err(unknown(&job.kind, kinds));
            }
        }
        graph::check(state, &jobs)?;
        let (now, ledger, first) = (self.now(), self.ledger(), state.jobs.len());
        let kind = |job: &NewJob| kinds.as_ref().and_then(|kinds| kinds.get(&job.kind));
        let mut existing = BTreeMap::new();
        let mut ids = Vec::with_capacity(jobs.len());
        for job in jobs {
            let (given, kind) = (job.options.id, kind(&job));
            let id = state.enqueue(job, kind, &ledger, now);
            existing.extend(given.map(|given| (given, id)));
            ids.push(id);
        }
        // Who waits for one that was there already, under its unique key, waits for that.
        for parent in state.jobs[first..].iter_mut().flat_map(|job| &mut job.job.options.after) {
            *parent = existing.get(parent).copied().unwrap_or(*parent);
        }
        Ok(ids)
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
        self.wire.pass(|| format!("memory.get of `{key}`")).await;
        Ok(self.state().get(space, key, self.now()))
    }

    async fn set(&self, space: &str, key: &str, value: Value, how: Set) -> Result<Written> {
        self.wire.pass(|| format!("memory.set of `{key}`")).await;
        let _writing = self.write().await?;
        self.state().set((space, key), value, how, self.now())
    }

    async fn add(&self, space: &str, key: &str, by: i64) -> Result<i64> {
        self.wire.pass(|| format!("memory.add of `{key}`")).await;
        let _writing = self.write().await?;
        self.state().add(space, key, by, self.now())
    }

    async fn delete(&self, space: &str, key: &str) -> Result<bool> {
        self.wire.pass(|| format!("memory.delete of `{key}`")).await;
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
        self.wire.pass(|| format!("memory.list of `{prefix}`")).await;
        let found = self.state().list(space, (prefix, after), limit, self.now());
        Ok(found)
    }
}

#[async_trait]
impl Jobs for Store {
    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>> {
        self.wire.pass(|| format!("jobs.enqueue of {}", names(&jobs))).await;
        let _writing = self.write().await?;
        self.enqueue_into(&mut self.state(), jobs)
    }

    async fn parents(&self, job: JobId) -> Result<Vec<Parent>> {
        self.wire.pass(|| "jobs.parents".to_owned()).await;
        let (state, ledger) = (self.state(), self.ledger());
        Ok(graph::parents(&state, &ledger, job))
    }
}

#[async_trait]
impl Events for Store {
    async fn publish(&self, event: NewEvent) -> Result<String> {
        self.wire.pass(|| format!("events.publish of `{}`", event.r#type)).await;
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

/// The kinds of these jobs, for people.
fn names(jobs: &[NewJob]) -> String {
    let names: Vec<String> = jobs.iter().map(|job| format!("`{}`", job.kind)).collect();
    names.join(", ")
}

fn unknown(kind: &str, kinds: &Kinds) -> Error {
    let known: Vec<&str> = kinds.keys().map(String::as_str).collect();
    let known = match known.as_slice() {
        [] => "the provider declares none".to_owned(),
        known => format!("there are {}", known.join(", ")),
    };
    Error::of(codes::UNKNOWN_KIND, format!("`{kind}` is no kind of job; {known}"))
}
