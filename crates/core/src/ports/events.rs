//! The event log, as a provider publishes to it.

use async_trait::async_trait;
use serde_json::Value;

use super::NotSupported;
use crate::Result;

/// An event to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Lower-case dotted type.
    pub r#type: String,
    /// The publishing provider's name.
    pub source: String,
    /// What happened.
    pub data: Value,
}

/// The event log.
#[async_trait]
pub trait Events: Send + Sync {
    /// Publishes; the event is durable when this returns. Gives its id.
    async fn publish(&self, event: NewEvent) -> Result<String>;
}

#[async_trait]
impl Events for NotSupported {
    async fn publish(&self, _: NewEvent) -> Result<String> {
        Self::refuse("event log")
    }
}
