//! One transaction for everything a handler does, its outcome included: exactly one effect.

use std::time::Duration;

use mindflight_api::JobId;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::jobs::JobArgs;
use crate::ports::{EnqueueOptions, NewEvent, NewJob, Set, Transaction};
use crate::{Error, Result};

/// How long a transaction may stay open.
pub const LIMIT: Duration = Duration::from_secs(5);

/// The transaction in which this call or attempt is closed. Dropped without
/// [`finish`](Tx::finish), it has written nothing.
///
/// While it is open, `cx.http()` refuses: an outside call has no place in a transaction.
pub struct Tx {
    open: Box<dyn Transaction>,
    cx: Context,
    /// Last, so that the context hears of the end after the transaction is gone.
    _open: OpenMark,
}

/// Tells the context, when dropped, that no transaction is open any more.
struct OpenMark(Context);

impl Drop for OpenMark {
    fn drop(&mut self) {
        self.0.transaction_ended();
    }
}

impl Tx {
    pub(crate) fn new(open: Box<dyn Transaction>, cx: Context) -> Self {
        let _open = OpenMark(cx.clone());
        Self { open, cx, _open }
    }

    /// The provider's memory, within this transaction.
    pub fn memory(&mut self) -> TxMemory<'_> {
        TxMemory { tx: self }
    }

    /// The job queue, within this transaction.
    pub fn jobs(&mut self) -> TxJobs<'_> {
        TxJobs { tx: self }
    }

    /// The event log, within this transaction.
    pub fn events(&mut self) -> TxEvents<'_> {
        TxEvents { tx: self }
    }

    /// Writes `output` as the outcome of the call and commits; return what it gives.
    ///
    /// # Errors
    /// When the commit fails, or when the call was no longer this instance's to close: then nothing was written.
    pub async fn finish<O: Serialize>(self, output: O) -> Result<O> {
        let Self { open, cx, _open } = self;
        let value = serde_json::to_value(&output).map_err(Error::internal)?;
        let result = open.finish(&value).await;
        cx.closed(result.is_ok());
        result.map(|()| output)
    }
}

/// The provider's memory, within a transaction.
pub struct TxMemory<'tx> {
    tx: &'tx mut Tx,
}

impl TxMemory<'_> {
    /// The value of `key`; the key is locked until the end.
    ///
    /// # Errors
    /// When the database fails, or the value does not fit `T`.
    pub async fn get<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>> {
        let (cx, open) = (&self.tx.cx, &mut self.tx.open);
        let stored = open.get(cx.space(), key).await?;
        stored
            .map(|stored| serde_json::from_value(stored.value))
            .transpose()
            .map_err(Error::internal)
    }

    /// Writes `key`, if its version is the expected one.
    ///
    /// # Errors
    /// 409 `conflict` when it is not.
    pub async fn set_if(&mut self, key: &str, value: &impl Serialize, version: u64) -> Result<u64> {
        let how = Set { if_version: Some(version), ttl: None };
        self.write(key, value, how).await
    }

    /// Writes `key`, whatever it held.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set(&mut self, key: &str, value: &impl Serialize) -> Result<u64> {
        self.write(key, value, Set::default()).await
    }

    /// Adds to a number (0 if there is none) and gives the sum.
    ///
    /// # Errors
    /// 409 `conflict` when the value is no integer.
    pub async fn add(&mut self, key: &str, by: i64) -> Result<i64> {
        let (cx, open) = (&self.tx.cx, &mut self.tx.open);
        open.add(cx.space(), key, by).await
    }

    async fn write(&mut self, key: &str, value: &impl Serialize, how: Set) -> Result<u64> {
        let value = serde_json::to_value(value).map_err(Error::internal)?;
        let (cx, open) = (&self.tx.cx, &mut self.tx.open);
        Ok(open.set(cx.space(), key, value, how).await?.version)
    }
}

/// The job queue, within a transaction.
pub struct TxJobs<'tx> {
    tx: &'tx mut Tx,
}

impl TxJobs<'_> {
    /// Makes a job that exists if the transaction commits.
    ///
    /// # Errors
    /// When the kind is unknown or the database fails.
    pub async fn enqueue<A: JobArgs>(
        &mut self,
        args: &A,
        options: EnqueueOptions,
    ) -> Result<JobId> {
        let options = options.because(self.tx.cx.cause());
        let job = NewJob::of(self.tx.cx.provider(), args, options)?;
        self.tx.open.enqueue(job).await
    }
}

/// The event log, within a transaction.
pub struct TxEvents<'tx> {
    tx: &'tx mut Tx,
}

impl TxEvents<'_> {
    /// Publishes an event that exists if the transaction commits; gives its id.
    ///
    /// # Errors
    /// When the type is refused or the database fails.
    pub async fn publish(&mut self, r#type: &str, data: &impl Serialize) -> Result<String> {
        let event = NewEvent::of(self.tx.cx.provider(), r#type, data)?;
        self.tx.open.publish(event.because(self.tx.cx.cause())).await
    }
}
