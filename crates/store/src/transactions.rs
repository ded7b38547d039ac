//! The transaction in which a call or an attempt is closed: its effects and its record are there together, or not at all.

use mindflight_api::{JobId, codes};
use mindflight_core::Cause;
use mindflight_core::ports::{Lease, Record, Set, Stored, Written};
use mindflight_core::tx::LIMIT;
use mindflight_core::{Error as Refusal, Result as Answer};
use serde_json::Value;
use sqlx::Postgres;
use tokio::time::Instant;

use crate::db::{Db, commit};
use crate::events;
use crate::jobs::{self, NewRow};
use crate::memory::limits::{New, Place};
use crate::memory::rows;
use crate::{Error, Result, audit};

/// What the record of an attempt at a job calls it.
const ATTEMPT: &str = "job.attempt";

/// Opens transactions.
#[derive(Clone)]
pub struct Transactions(pub(crate) Db);

impl Transactions {
    /// Opens the transaction in which the call that `record` describes, or the attempt that holds `lease`, will
    /// be closed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(
        &self,
        record: Record,
        lease: Option<Lease>,
        cause: Option<Cause>,
    ) -> Answer<Open> {
        let tx = self.0.bounded(begin(&self.0)).await?;
        let (db, end) = (self.0.clone(), Instant::now() + LIMIT);
        Ok(Open { tx, db, record, lease, end, cause, gates: Vec::new() })
    }
}

/// Also the server ends a transaction that is left alone: the program that opened it may be stuck.
async fn begin(db: &Db) -> Result<sqlx::Transaction<'static, Postgres>> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        r#"
        SELECT set_config('idle_in_transaction_session_timeout', $1, true) AS idle,
            set_config('statement_timeout', $2, true) AS statement
        "#,
        LIMIT.as_millis().to_string(),
        LIMIT.min(db.statement_timeout).as_millis().to_string(),
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(Error::of)?;
    Ok(tx)
}

/// An open transaction; rolled back when dropped. Its functions are those of
/// [`mindflight_core::ports::Transaction`], with jobs as they are written.
pub struct Open {
    tx: sqlx::Transaction<'static, Postgres>,
    db: Db,
    record: Record,
    lease: Option<Lease>,
    end: Instant,
    cause: Option<Cause>,
    /// Where jobs that were made wait to be let in.
    gates: Vec<i32>,
}

/// Runs one step, unless the transaction's time is over.
async fn within<T>(end: Instant, step: impl Future<Output = Result<T>>) -> Answer<T> {
    let over = || {
        let text = format!("the transaction was open for more than {} s", LIMIT.as_secs());
        Error::Timeout(text.into())
    };
    if Instant::now() >= end {
        return Err(over().into());
    }
    Ok(tokio::time::timeout_at(end, step).await.unwrap_or_else(|_| Err(over()))?)
}

impl Open {
    /// As [`get`](mindflight_core::ports::Transaction::get).
    ///
    /// # Errors
    /// When the database does not answer in time; also in the others.
    pub async fn get(&mut self, space: &str, key: &str) -> Answer<Option<Stored>> {
        let place = Place::new(space, key)?;
        within(self.end, rows::read_locked(&mut self.tx, place, self.db.now())).await
    }

    /// As [`set`](mindflight_core::ports::Transaction::set).
    ///
    /// # Errors
    /// 409 when the version is not the expected one.
    pub async fn set(&mut self, space: &str, key: &str, value: Value, how: Set) -> Answer<Written> {
        let place = Place::new(space, key)?;
        let new = New::checked(&value, how, self.db.now())?;
        within(self.end, rows::write(&mut self.tx, place, &new)).await
    }

    /// As [`add`](mindflight_core::ports::Transaction::add).
    ///
    /// # Errors
    /// 409 when the value is no integer.
    pub async fn add(&mut self, space: &str, key: &str, by: i64) -> Answer<i64> {
        let place = Place::new(space, key)?;
        within(self.end, rows::add(&mut self.tx, place, by, self.db.now())).await
    }

    /// Makes a job that exists if this commits; gives its id, or that of the one that has its unique key.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn enqueue(&mut self, job: NewRow) -> Answer<JobId> {
        let made = within(self.end, jobs::insert(&mut self.tx, std::slice::from_ref(&job))).await?;
        self.gates.extend(&made.gates);
        Ok(made.existing.get(&job.id).copied().unwrap_or(job.id))
    }

    /// Publishes an event that exists if this commits.
    ///
    /// # Errors
    /// 409 when its id was used for another; else as [`get`](Self::get).
    pub async fn publish(&mut self, event: events::NewRow) -> Answer<String> {
        within(self.end, events::insert(&mut self.tx, std::slice::from_ref(&event))).await?;
        Ok(event.id)
    }

    /// Writes the outcome and commits. Gives the queues that got jobs because this attempt has ended.
    ///
    /// # Errors
    /// 409 `lease_lost` when the job is another worker's by now; 503 when the commit may not have happened.
    pub async fn finish(self, output: &Value) -> Answer<Vec<i16>> {
        let Self { mut tx, record, lease, end, cause, gates, .. } = self;
        let result = output.to_string();
        let close = async move {
            let queues = match lease {
                Some(lease) => jobs::finish_one(&mut tx, lease, result, (cause, &gates)).await?,
                None if gates.is_empty() => Some(Vec::new()),
                None => Some(jobs::gates::admit(&mut tx, &gates).await?),
            };
            if queues.is_some() {
                // The end of an attempt is a record by itself; a tool call has one also when it is an attempt.
                if record.action != ATTEMPT {
                    audit::write(&mut tx, &record).await?;
                }
                commit(tx).await?;
            }
            Ok(queues)
        };
        within(end, close).await?.ok_or_else(|| {
            let detail =
                "this attempt's job was taken from its worker, which had been silent too long";
            Refusal::of(codes::LEASE_LOST, detail)
        })
    }
}
