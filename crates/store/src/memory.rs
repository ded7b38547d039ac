//! Keys and values: the port of `mindflight-core`, on the table of `memory/rows.rs`.

pub(crate) mod limits;
pub(crate) mod rows;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mindflight_core::ports::{Set, Stored, Written};
use serde_json::Value;

use self::limits::{New, Place};
use crate::Result;
use crate::db::Db;

/// Keys and values that outlive calls, restarts and instances.
#[derive(Clone)]
pub struct Memory(pub(crate) Db);

impl Memory {
    /// Up to `limit` keys that start with `prefix` and come after `after`, each with when it was first written.
    ///
    /// # Errors
    /// When a name is too long, or the database does not answer.
    pub async fn keys(
        &self,
        space: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<(String, DateTime<Utc>)>> {
        let range = limits::Range::new(space, prefix, after)?;
        let work = async {
            let mut connection = self.0.connection().await?;
            rows::keys(&mut connection, &range, self.0.now(), limit).await
        };
        self.0.bounded(work).await
    }

    /// Removes up to `limit` expired keys; how many it were. They have not been there for readers before, either.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep(&self, limit: u32) -> Result<u64> {
        let work =
            async { rows::sweep(&mut *self.0.connection().await?, self.0.now(), limit).await };
        self.0.bounded(work).await
    }
}

#[async_trait]
impl mindflight_core::ports::Memory for Memory {
    async fn get(&self, space: &str, key: &str) -> mindflight_core::Result<Option<Stored>> {
        let place = Place::new(space, key)?;
        let work =
            async { rows::read(&mut *self.0.connection().await?, place, self.0.now()).await };
        Ok(self.0.bounded(work).await?)
    }

    async fn set(
        &self,
        space: &str,
        key: &str,
        value: Value,
        how: Set,
    ) -> mindflight_core::Result<Written> {
        let place = Place::new(space, key)?;
        let new = New::checked(&value, how, self.0.now())?;
        let work = async { rows::write(&mut *self.0.connection().await?, place, &new).await };
        Ok(self.0.bounded(work).await?)
    }

    async fn add(&self, space: &str, key: &str, by: i64) -> mindflight_core::Result<i64> {
        let place = Place::new(space, key)?;
        let work =
            async { rows::add(&mut *self.0.connection().await?, place, by, self.0.now()).await };
        Ok(self.0.bounded(work).await?)
    }

    async fn delete(&self, space: &str, key: &str) -> mindflight_core::Result<bool> {
        let place = Place::new(space, key)?;
        let work =
            async { rows::remove(&mut *self.0.connection().await?, place, self.0.now()).await };
        Ok(self.0.bounded(work).await?)
    }

    async fn list(
        &self,
        space: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> mindflight_core::Result<Vec<Stored>> {
        let range = limits::Range::new(space, prefix, after)?;
        let work = async {
            rows::list(&mut *self.0.connection().await?, &range, self.0.now(), limit).await
        };
        Ok(self.0.bounded(work).await?)
    }
}
