//! Keys and values that outlive calls, restarts and instances.

use std::time::Duration;

use async_trait::async_trait;
/// A stored value, as callers see it too.
pub use mindflight_api::memory::Entry as Stored;
use serde_json::Value;

use super::NotSupported;
use crate::Result;

/// How to write a key.
#[derive(Debug, Clone, Copy, Default)]
pub struct Set {
    /// Forget the key after this long; never, if `None`.
    pub ttl: Option<Duration>,
    /// Write only if the stored version is this one; 0: only if there is none.
    pub if_version: Option<u64>,
}

/// What a write did.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// The version now stored.
    pub version: u64,
    /// What the key held before.
    pub previous: Option<Value>,
}

/// Keys and values, in spaces that do not see one another. Expired keys are not there.
#[async_trait]
pub trait Memory: Send + Sync {
    /// The value of `key`.
    async fn get(&self, space: &str, key: &str) -> Result<Option<Stored>>;

    /// Writes `key`; 409 `conflict` when `how.if_version` is not the stored version.
    async fn set(&self, space: &str, key: &str, value: Value, how: Set) -> Result<Written>;

    /// Adds to a number in one step (0 if there is none) and gives the sum; 409 `conflict` if the value is no integer.
    async fn add(&self, space: &str, key: &str, by: i64) -> Result<i64>;

    /// Removes `key`; whether there was one.
    async fn delete(&self, space: &str, key: &str) -> Result<bool>;

    /// Up to `limit` entries whose key starts with `prefix` and comes after `after`, in order of their bytes.
    async fn list(
        &self,
        space: &str,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Stored>>;
}

#[async_trait]
impl Memory for NotSupported {
    async fn get(&self, _: &str, _: &str) -> Result<Option<Stored>> {
        Self::refuse("memory")
    }

    async fn set(&self, _: &str, _: &str, _: Value, _: Set) -> Result<Written> {
        Self::refuse("memory")
    }

    async fn add(&self, _: &str, _: &str, _: i64) -> Result<i64> {
        Self::refuse("memory")
    }

    async fn delete(&self, _: &str, _: &str) -> Result<bool> {
        Self::refuse("memory")
    }

    async fn list(&self, _: &str, _: &str, _: Option<&str>, _: u32) -> Result<Vec<Stored>> {
        Self::refuse("memory")
    }
}
