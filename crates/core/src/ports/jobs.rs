//! Durable background work, as a provider asks for it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_api::job::{JobError, OnFailure};
use mindflight_api::{JobId, JobState};
use serde_json::Value;

use super::NotSupported;
use crate::Result;
use crate::event::Cause;
use crate::policy::Unique;

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
    /// When it counts as the same as another, instead of what its kind declares. With `unique_key`, that is compared
    /// and not the arguments.
    pub unique: Option<Unique>,
    /// It starts once these have ended, in whichever order they do; what they gave is in
    /// [`Context::parents`](crate::Context::parents). At most 100, and no delay beside them.
    pub after: Vec<JobId>,
    /// What becomes of it when one of them does not succeed.
    pub on_failure: OnFailure,
    /// The id it gets, made with [`JobId::new`], so that others of the same call can name it in `after`.
    pub id: Option<JobId>,
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

/// A job that another waited for, as it has ended.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Parent {
    /// Its id.
    pub id: JobId,
    /// `{provider}.{kind}`.
    pub kind: String,
    /// How it ended; somebody may have started it again since.
    pub state: JobState,
    /// What it gave, if it has succeeded.
    pub result: Option<Value>,
    /// Why it did not succeed.
    pub error: Option<JobError>,
}

impl Parent {
    /// A job that has ended, for whoever keeps jobs.
    #[must_use]
    pub fn new(id: JobId, kind: String, state: JobState) -> Self {
        Self { id, kind, state, result: None, error: None }
    }

    /// What it gave.
    #[must_use]
    pub fn with_result(self, result: Option<Value>) -> Self {
        Self { result, ..self }
    }

    /// Why it did not succeed.
    #[must_use]
    pub fn with_error(self, error: Option<JobError>) -> Self {
        Self { error, ..self }
    }
}

/// Durable background work.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Makes jobs, all or none; they are durable when this returns. Their ids are in the same order.
    async fn enqueue_all(&self, jobs: Vec<NewJob>) -> Result<Vec<JobId>>;

    /// The jobs that `job` was made to wait for, in the order in which they were named; those that are forgotten by
    /// now are left out.
    async fn parents(&self, job: JobId) -> Result<Vec<Parent>>;

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

    async fn parents(&self, _: JobId) -> Result<Vec<Parent>> {
        Self::refuse("job queue")
    }
}
