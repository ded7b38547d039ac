//! Durable background work, as a provider asks for it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use serde_json::Value;

use super::NotSupported;
use crate::Result;
use crate::event::Cause;

/// How this one job differs from what its kind declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnqueueOptions {
    /// Start no earlier than after this long.
    pub delay: Option<Duration>,
    /// Start no earlier; `delay` wins if both are set.
    pub run_at: Option<DateTime<Utc>>,
    /// The queue.
    pub queue: Option<String>,
    /// Attempts before the job has failed.
    pub max_attempts: Option<u32>,
    /// 0–9, lower first.
    pub priority: Option<u8>,
    /// While a job of the kind with this key is not finished, no second one is made: its id is given instead.
    pub unique_key: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Why it is made; the context fills it in.
    pub cause: Option<Cause>,
}

/// A job to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// `{provider}.{kind}`.
    pub kind: String,
    /// Arguments, as the kind's handler reads them.
    pub args: Value,
    /// How it differs from what its kind declares.
    pub options: EnqueueOptions,
}

/// Durable background work.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Makes jobs, all or none; they are durable when this returns. Their ids are in the same order.
    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>>;

    /// Makes a job; it is durable when this returns.
    async fn enqueue(&self, job: NewJob) -> Result<JobId> {
        let ids = self.enqueue_all(vec![job]).await?;
        ids.into_iter().next().ok_or_else(|| crate::Error::internal("a job without an id"))
    }
}

#[async_trait]
impl Jobs for NotSupported {
    async fn enqueue_all(&self, _: Vec<NewJob>) -> Result<Vec<JobId>> {
        Self::refuse("job queue")
    }
}
