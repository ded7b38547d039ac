//! Durable background work, as a provider asks for it.

use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::JobId;
use serde_json::Value;

use super::NotSupported;
use crate::Result;

/// How this one job differs from what its kind declares.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EnqueueOptions {
    /// Start no earlier than after this long.
    pub delay: Option<Duration>,
    /// 0–9, lower first.
    pub priority: Option<u8>,
    /// While a job with this key is not finished, no second one is made.
    pub unique_key: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
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
    /// Makes a job; it is durable when this returns.
    async fn enqueue(&self, job: NewJob) -> Result<JobId>;
}

#[async_trait]
impl Jobs for NotSupported {
    async fn enqueue(&self, _: NewJob) -> Result<JobId> {
        Self::refuse("job queue")
    }
}
