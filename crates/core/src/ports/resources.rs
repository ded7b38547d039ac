//! Documents that callers and providers share.

use async_trait::async_trait;
use serde_json::Value;

use super::NotSupported;
use crate::Result;

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its id; may contain `/`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What kind of document it is; `document` unless said.
    pub r#type: String,
    /// The text itself.
    pub content: String,
    /// Further facts.
    pub metadata: Value,
}

/// Documents by id.
#[async_trait]
pub trait Resources: Send + Sync {
    /// The document with this id.
    async fn get(&self, id: &str) -> Result<Option<Resource>>;

    /// Writes a document, replacing one with the same id.
    async fn put(&self, resource: Resource) -> Result<()>;

    /// Removes a document; whether there was one.
    async fn delete(&self, id: &str) -> Result<bool>;
}

#[async_trait]
impl Resources for NotSupported {
    async fn get(&self, _: &str) -> Result<Option<Resource>> {
        Self::refuse("resources")
    }

    async fn put(&self, _: Resource) -> Result<()> {
        Self::refuse("resources")
    }

    async fn delete(&self, _: &str) -> Result<bool> {
        Self::refuse("resources")
    }
}
