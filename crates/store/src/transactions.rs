//! The transaction in which a call is closed: its effects and its audit row are there together, or not at all.

use async_trait::async_trait;
use mindflight_api::JobId;
use mindflight_core::ports::{
    NewEvent, NewJob, Record, Set, Stored, Transaction as Port, Transactions as Ports, Written,
};
use mindflight_core::tx::LIMIT;
use serde_json::Value;
use sqlx::Postgres;
use tokio::time::Instant;

use crate::db::{Db, commit};
use crate::memory::limits::{New, Place};
use crate::memory::rows;
use crate::{Error, Result, audit};

/// Opens transactions.
#[derive(Clone)]
pub struct Transactions(pub(crate) Db);

#[async_trait]
impl Ports for Transactions {
    async fn begin(
        &self,
        record: Record,
        _: Option<mindflight_core::ports::Lease>,
    ) -> mindflight_core::Result<Box<dyn Port>> {
        let tx = self.0.bounded(begin(&self.0)).await?;
        Ok(Box::new(Open { tx, db: self.0.clone(), record, end: Instant::now() + LIMIT }))
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

/// An open transaction; rolled back when dropped.
struct Open {
    tx: sqlx::Transaction<'static, Postgres>,
    db: Db,
    record: Record,
    end: Instant,
}

/// Runs one step, unless the transaction's time is over.
async fn within<T>(
    end: Instant,
    step: impl Future<Output = Result<T>>,
) -> mindflight_core::Result<T> {
    let over = || {
        let text = format!("the transaction was open for more than {} s", LIMIT.as_secs());
        Error::Timeout(text.into())
    };
    if Instant::now() >= end {
        return Err(over().into());
    }
    Ok(tokio::time::timeout_at(end, step).await.unwrap_or_else(|_| Err(over()))?)
}

#[async_trait]
impl Port for Open {
    async fn get(&mut self, space: &str, key: &str) -> mindflight_core::Result<Option<Stored>> {
        let place = Place::new(space, key)?;
        within(self.end, rows::read_locked(&mut self.tx, place, self.db.now())).await
    }

    async fn set(
        &mut self,
        space: &str,
        key: &str,
        value: Value,
        how: Set,
    ) -> mindflight_core::Result<Written> {
        let place = Place::new(space, key)?;
        let new = New::checked(&value, how, self.db.now())?;
        within(self.end, rows::write(&mut self.tx, place, &new)).await
    }

    async fn add(&mut self, space: &str, key: &str, by: i64) -> mindflight_core::Result<i64> {
        let place = Place::new(space, key)?;
        within(self.end, rows::add(&mut self.tx, place, by, self.db.now())).await
    }

    async fn enqueue(&mut self, _: NewJob) -> mindflight_core::Result<JobId> {
        Err(Error::NotSupported("this server has no job queue".to_owned()).into())
    }

    async fn publish(&mut self, _: NewEvent) -> mindflight_core::Result<String> {
        Err(Error::NotSupported("this server has no event log".to_owned()).into())
    }

    async fn finish(self: Box<Self>, _: &Value) -> mindflight_core::Result<()> {
        let Self { mut tx, record, end, .. } = *self;
        let close = async move {
            audit::write(&mut tx, &record).await?;
            commit(tx).await
        };
        within(end, close).await
    }
}
