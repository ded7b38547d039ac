//! The time it is, for words such as `since:24h`.

use chrono::{DateTime, Utc};

use crate::Environment;

/// The time that the environment says it is; the machine's unless it says one.
#[expect(clippy::disallowed_methods, reason = "the one place of the cli that reads the clock")]
pub(crate) fn now(env: &Environment) -> DateTime<Utc> {
    env.now.unwrap_or_else(Utc::now)
}
