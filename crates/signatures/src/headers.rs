//! The headers that carry signatures: their names, and reading one that must stand exactly once.

use bytes::Bytes;
use http::Request;
use mindflight_core::Result;

use crate::refusal;

pub(crate) const WEBHOOK_ID: &str = "webhook-id";
pub(crate) const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
pub(crate) const WEBHOOK_SIGNATURE: &str = "webhook-signature";
pub(crate) const GITHUB_SIGNATURE: &str = "x-hub-signature-256";
pub(crate) const STRIPE_SIGNATURE: &str = "stripe-signature";
pub(crate) const SLACK_TIMESTAMP: &str = "x-slack-request-timestamp";
pub(crate) const SLACK_SIGNATURE: &str = "x-slack-signature";

/// The value of a header that must be there once: with two, the sender and we could each mean another.
pub(crate) fn one<'r>(request: &'r Request<Bytes>, name: &str) -> Result<&'r str> {
    let mut values = request.headers().get_all(name).iter();
    let value = values.next().ok_or_else(|| refusal::missing(name))?;
    if values.next().is_some() {
        return Err(refusal::twice(name));
    }
    let text = value.to_str().map_err(|_| refusal::unreadable(name))?;
    match text.trim() {
        "" => Err(refusal::missing(name)),
        text => Ok(text),
    }
}
