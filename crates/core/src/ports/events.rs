//! The event log, as a provider publishes to it.

use async_trait::async_trait;
use serde_json::Value;

use super::NotSupported;
use crate::event::{Cause, DEEPEST};
use crate::nul;
use crate::policy::{RESERVED, check_type};
use crate::{Error, Result};

/// An event to be published.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// Lower-case dotted type.
    pub r#type: String,
    /// Who publishes: a provider's name, or `api`.
    pub source: String,
    /// What happened.
    pub data: Value,
    /// What it belongs to: the publisher's own word.
    pub key: Option<String>,
    /// The publisher's id of it: the same again within 24 h is the same event. The log makes one if there is none.
    pub id: Option<String>,
    /// Why it is published.
    pub cause: Option<Cause>,
}

/// The most bytes of an event's data, as JSON.
pub const MAX_DATA: usize = 256 * 1024;

/// The most characters of an id or a key that a publisher gives.
pub const MAX_ID: usize = 128;

impl NewEvent {
    /// Whether the log takes it, whoever publishes it; gives its data as JSON.
    ///
    /// # Errors
    /// 422 names the member that is wrong; 413 for too much data; 409 at the end of a chain.
    pub fn check(&self) -> Result<String> {
        if let Err(error) = check_type(&self.r#type) {
            return Err(wrong("type", &error.to_string()));
        }
        if self.r#type.starts_with(RESERVED) {
            return Err(wrong("type", "types that begin with `mindflight.` are the server's own"));
        }
        for (name, text) in [("id", &self.id), ("key", &self.key)] {
            let Some(text) = text else { continue };
            let length = text.chars().count();
            if length == 0 || length > MAX_ID || text.chars().any(char::is_control) {
                let rule = format!("1 to {MAX_ID} characters without control characters");
                return Err(wrong(name, &rule));
            }
        }
        if let Some(cause) = self.cause.as_ref().filter(|cause| cause.depth >= DEEPEST) {
            let detail = format!(
                "`{}` would be event {} of one chain; {DEEPEST} is the end. The chain is `{}`",
                self.r#type,
                cause.depth + 1,
                cause.correlation_id
            );
            return Err(Error::conflict(detail)
                .fix("Look for subscriptions that publish what they, or others, listen to.")
                .permanent());
        }
        let (data, has_nul) = nul::to_json(&self.data);
        if data.len() > MAX_DATA {
            let detail = format!("`data` has {} bytes; {MAX_DATA} are allowed", data.len());
            return Err(Error::too_large(detail).permanent());
        }
        if has_nul {
            return Err(Error::of(
                mindflight_api::codes::INVALID_REQUEST,
                "`data` has a NUL character (\\u0000), which cannot be stored",
            ));
        }
        Ok(data)
    }

    /// How many events caused one another before it.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.cause.as_ref().map_or(0, |cause| cause.depth + 1)
    }
}

fn wrong(member: &str, rule: &str) -> Error {
    Error::invalid(format!("`{member}`: {rule}")).field(format!("/{member}"), rule, Vec::new())
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
