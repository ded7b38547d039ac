//! The typed faces of the ports, as authors use them.

use mindflight_api::JobId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::Cause;
use crate::jobs::JobArgs;
use crate::ports::{self, EnqueueOptions, NewEvent, NewJob, Parent, Set, Stored};
use crate::{Error, Result};

/// A provider's memory: keys and values that outlive calls, restarts and instances.
pub struct Memory<'cx> {
    port: &'cx dyn ports::Memory,
    space: &'cx str,
}

impl<'cx> Memory<'cx> {
    pub(super) fn new(port: &'cx dyn ports::Memory, space: &'cx str) -> Self {
        Self { port, space }
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// When the database fails, or the value does not fit `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let stored = self.port.get(self.space, key).await?;
        stored
            .map(|stored| serde_json::from_value(stored.value))
            .transpose()
            .map_err(Error::internal)
    }

    /// The value of `key` with its version and times.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn entry(&self, key: &str) -> Result<Option<Stored>> {
        self.port.get(self.space, key).await
    }

    /// Writes `key`, whatever it held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set(&self, key: &str, value: &impl Serialize) -> Result<()> {
        self.set_with(key, value, Set::default()).await.map(drop)
    }

    /// Writes `key` with a time to live or an expected version; gives the version now stored.
    ///
    /// # Errors
    /// 409 `conflict` when the stored version is not the expected one.
    pub async fn set_with(&self, key: &str, value: &impl Serialize, how: Set) -> Result<u64> {
        let value = serde_json::to_value(value).map_err(Error::internal)?;
        Ok(self.port.set(self.space, key, value, how).await?.version)
    }

    /// Adds to a number in one step (0 if there is none) and gives the sum.
    ///
    /// # Errors
    /// 409 `conflict` when the value is no integer.
    pub async fn add(&self, key: &str, by: i64) -> Result<i64> {
        self.port.add(self.space, key, by).await
    }

    /// Removes `key`; whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, key: &str) -> Result<bool> {
        self.port.delete(self.space, key).await
    }

    /// Up to `limit` entries whose key starts with `prefix` and comes after `after`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Result<Vec<Stored>> {
        self.port.list(self.space, prefix, after, limit).await
    }
}

/// The job queue, for jobs of this provider.
pub struct Jobs<'cx> {
    port: &'cx dyn ports::Jobs,
    provider: &'cx str,
    cause: Option<&'cx Cause>,
}

impl<'cx> Jobs<'cx> {
    pub(super) fn new(port: &'cx dyn ports::Jobs, provider: &'cx str) -> Self {
        Self { port, provider, cause: None }
    }

    pub(super) fn because(self, cause: Option<&'cx Cause>) -> Self {
        Self { cause, ..self }
    }

    fn job<A: JobArgs>(&self, args: &A, options: EnqueueOptions) -> Result<NewJob> {
        NewJob::of(self.provider, args, options.because(self.cause))
    }

    /// Makes a job as its kind declares it; durable when this returns.
    ///
    /// # Errors
    /// When the database fails, or the server has no job queue.
    pub async fn enqueue<A: JobArgs>(&self, args: &A) -> Result<JobId> {
        self.enqueue_with(args, EnqueueOptions::default()).await
    }

    /// Makes a job that differs from what its kind declares.
    ///
    /// # Errors
    /// When the database fails, or the server has no job queue.
    pub async fn enqueue_with<A: JobArgs>(
        &self,
        args: &A,
        options: EnqueueOptions,
    ) -> Result<JobId> {
        self.port.enqueue(self.job(args, options)?).await
    }

    /// Makes many jobs of one kind, all or none.
    ///
    /// # Errors
    /// When the database fails, or the server has no job queue.
    pub async fn enqueue_all<A: JobArgs>(&self, args: &[A]) -> Result<Vec<JobId>> {
        let job = |args| self.job(args, EnqueueOptions::default());
        self.port.enqueue_all(args.iter().map(job).collect::<Result<_>>()?).await
    }

    /// Jobs that wait for each other, to be made in one call.
    #[must_use]
    pub fn graph(self) -> Graph<'cx> {
        Graph { jobs: self, all: Vec::new() }
    }

    pub(super) async fn parents(&self, job: JobId) -> Result<Vec<Parent>> {
        self.port.parents(job).await
    }
}

/// Jobs of this provider that wait for each other, made in one call: all or none.
pub struct Graph<'cx> {
    jobs: Jobs<'cx>,
    all: Vec<NewJob>,
}

impl Graph<'_> {
    /// Adds a job. Others of the graph wait for it if they have the id that this gives in their
    /// [`after`](EnqueueOptions::after).
    ///
    /// # Errors
    /// When the arguments cannot be written as JSON.
    pub fn add<A: JobArgs>(&mut self, args: &A, options: EnqueueOptions) -> Result<JobId> {
        let id = options.id.unwrap_or_else(JobId::new);
        let options = EnqueueOptions { id: Some(id), ..options };
        self.all.push(self.jobs.job(args, options)?);
        Ok(id)
    }

    /// Makes the jobs; durable when this returns. Gives their ids in the order in which they were added: another
    /// id than [`add`](Self::add) gave where a job with the same unique key was there already.
    ///
    /// # Errors
    /// As [`Jobs::enqueue`]; 422 when they wait for each other in a circle.
    pub async fn enqueue(self) -> Result<Vec<JobId>> {
        self.jobs.port.enqueue_all(self.all).await
    }
}

impl EnqueueOptions {
    /// A job that starts once these have ended.
    #[must_use]
    pub fn after(parents: impl IntoIterator<Item = JobId>) -> Self {
        Self { after: parents.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn because(self, cause: Option<&Cause>) -> Self {
        Self { cause: cause.cloned(), ..self }
    }
}

impl NewJob {
    /// A job of `provider` with these arguments.
    ///
    /// # Errors
    /// When the arguments cannot be written as JSON.
    pub fn of<A: JobArgs>(provider: &str, args: &A, options: EnqueueOptions) -> Result<Self> {
        let args = serde_json::to_value(args).map_err(Error::internal)?;
        Ok(Self { kind: format!("{provider}.{}", A::KIND), args, options })
    }
}

/// The event log, for events of this provider.
pub struct Events<'cx> {
    port: &'cx dyn ports::Events,
    provider: &'cx str,
    cause: Option<&'cx Cause>,
}

impl<'cx> Events<'cx> {
    pub(super) fn new(port: &'cx dyn ports::Events, provider: &'cx str) -> Self {
        Self { port, provider, cause: None }
    }

    pub(super) fn because(self, cause: Option<&'cx Cause>) -> Self {
        Self { cause, ..self }
    }

    /// Publishes an event; durable when this returns. Gives its id.
    ///
    /// # Errors
    /// 422 when the type is refused, 409 at the end of a chain of events, 503 when the database is away.
    pub async fn publish(&self, r#type: &str, data: &impl Serialize) -> Result<String> {
        let event = NewEvent::of(self.provider, r#type, data)?;
        self.port.publish(event.because(self.cause)).await
    }
}

impl NewEvent {
    /// An event of `provider`.
    ///
    /// # Errors
    /// When the data cannot be written as JSON.
    pub fn of(provider: &str, r#type: &str, data: &impl Serialize) -> Result<Self> {
        let data = serde_json::to_value(data).map_err(Error::internal)?;
        Ok(Self {
            r#type: r#type.to_owned(),
            source: provider.to_owned(),
            data,
            key: None,
            id: None,
            cause: None,
        })
    }

    pub(crate) fn because(self, cause: Option<&Cause>) -> Self {
        Self { cause: cause.cloned(), ..self }
    }
}
