//! What every handle holds: the pool, the clock, and the longest time an answer may take.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_core::ports::Clock;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Transaction};

use crate::{Error, Result};

/// The pool, the clock, and the longest time an answer may take.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
    /// The server's own limits do not help against a server that is frozen.
    pub(crate) limit: Duration,
    pub(crate) statement_timeout: Duration,
}

impl Db {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) async fn connection(&self) -> Result<PoolConnection<Postgres>> {
        self.pool.acquire().await.map_err(Error::of)
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>> {
        self.pool.begin().await.map_err(Error::of)
    }

    /// Gives up what takes longer than both limits together.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.limit, work)
            .await
            .unwrap_or_else(|elapsed| Err(Error::Timeout(elapsed.into())))
    }
}

/// Commits what `begin` opened.
pub(crate) async fn commit(tx: Transaction<'static, Postgres>) -> Result<()> {
    tx.commit().await.map_err(Error::of)
}

/// A count for `LIMIT`.
pub(crate) fn rows(limit: u32) -> i64 {
    i64::from(limit)
}
