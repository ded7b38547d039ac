//! Queues: how full they are, their limits, pausing and resuming them.

use mindflight_api::Page;
use mindflight_api::job::{Pause, Queue, QueueChange};
use reqwest::Method;

use crate::{Client, Paging, Result};

/// Queues; see [`Client::queues`].
#[derive(Debug, Clone, Copy)]
pub struct Queues<'a>(pub(crate) &'a Client);

impl Queues<'_> {
    /// One page of the queues.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, paging: &Paging) -> Result<Page<Queue>> {
        self.0.json(self.0.get(&["api", "queues"])?.query(paging.query())).await
    }

    /// One queue.
    ///
    /// # Errors
    /// If there is no such queue, or the server refuses or cannot be asked.
    pub async fn get(&self, name: &str) -> Result<Queue> {
        self.0.json(self.0.get(&["api", "queues", name])?).await
    }

    /// Starts no more jobs of the queue, on every instance; those that run go on.
    ///
    /// # Errors
    /// If there is no such queue, or the server refuses or cannot be asked.
    pub async fn pause(&self, name: &str, pause: &Pause) -> Result<Queue> {
        self.0.json(self.0.post(&["api", "queues", name, "pause"])?.body(pause)?).await
    }

    /// Gives the queue other limits, on every instance.
    ///
    /// # Errors
    /// If there is no such queue, or the server refuses or cannot be asked.
    pub async fn change(&self, name: &str, change: &QueueChange) -> Result<Queue> {
        let request = self.0.request(Method::PATCH, &["api", "queues", name])?;
        self.0.json(request.body(change)?).await
    }

    /// Starts jobs of the queue again.
    ///
    /// # Errors
    /// If there is no such queue, or the server refuses or cannot be asked.
    pub async fn resume(&self, name: &str) -> Result<Queue> {
        self.0.json(self.0.post(&["api", "queues", name, "resume"])?).await
    }
}
