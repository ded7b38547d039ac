//! Pure decisions about jobs and events: no clock, no randomness, no IO; those come in as values.

mod attempt;
mod backoff;
mod fingerprint;
mod missed;
mod pattern;
mod rate;
mod unique;

pub use mindflight_api::JobState;

pub use self::attempt::{Next, Outcome, after_attempt};
pub use self::backoff::Backoff;
pub use self::fingerprint::{LONGEST_PATTERN, error_pattern, fingerprint};
pub use self::missed::{Missed, due};
pub use self::pattern::{BadType, LONGEST_TYPE, Pattern, RESERVED, check_type};
pub use self::rate::{BadRate, Rate};
pub use self::unique::{Release, Unique, canonical, own_key, unique_key};
