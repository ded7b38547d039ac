//! The caller's memory: keys and values.

use mindflight_api::memory::{Entry, Keys, Store, Update, Written};
use reqwest::Method;

use crate::{Client, Paging, Result};

/// The caller's memory; see [`Client::memory`].
#[derive(Debug, Clone, Copy)]
pub struct Memory<'a>(pub(crate) &'a Client);

impl Memory<'_> {
    /// What a key holds.
    ///
    /// # Errors
    /// If the key holds nothing, or the server refuses or cannot be asked.
    pub async fn get(&self, key: &str) -> Result<Entry> {
        self.0.json(self.0.get(&["api", "memory", key])?).await
    }

    /// Writes a value, whether or not the key had one.
    ///
    /// # Errors
    /// If the version is not the expected one, or the server refuses or cannot be asked.
    pub async fn set(&self, entry: &Store) -> Result<Written> {
        self.0.json(self.0.post(&["api", "memory"])?.body(entry)?).await
    }

    /// Writes a value over the one that the key has.
    ///
    /// # Errors
    /// If the key holds nothing, or the server refuses or cannot be asked.
    pub async fn update(&self, key: &str, update: &Update) -> Result<Written> {
        let request = self.0.request(Method::PUT, &["api", "memory", key])?;
        self.0.json(request.body(update)?).await
    }

    /// One page of the keys that start with `prefix`.
    ///
    /// # Errors
    /// If the server refuses or cannot be asked.
    pub async fn list(&self, prefix: Option<&str>, paging: &Paging) -> Result<Keys> {
        let mut query = paging.query();
        query.extend(prefix.map(|prefix| ("prefix".into(), prefix.to_owned())));
        self.0.json(self.0.get(&["api", "memory"])?.query(query)).await
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// If the key holds nothing, or the server refuses or cannot be asked.
    pub async fn delete(&self, key: &str) -> Result<Written> {
        self.0.json(self.0.request(Method::DELETE, &["api", "memory", key])?).await
    }
}
