//! The time of signing: a replayed request is refused once it is old.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_core::Result;

use crate::refusal;

/// How far the time of signing may be from the receiver's, either way.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Refuses a time that is not within [`TOLERANCE`] of `now`.
pub(crate) fn check(text: &str, header: &str, now: DateTime<Utc>) -> Result<()> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let at: i64 = digits
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| refusal::malformed(header, "seconds since 1970"))?;
    let now = now.timestamp();
    let off = now.abs_diff(at).saturating_sub(TOLERANCE.as_secs());
    match (off, at < now) {
        (0, _) => Ok(()),
        (by, true) => Err(refusal::too_old(header, by)),
        (by, false) => Err(refusal::too_new(header, by)),
    }
}
