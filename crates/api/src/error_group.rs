//! Failures of jobs that are the same but for what differs from case to case.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JobId;

/// What failures of one group have in common: 16 hexadecimal digits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schemars(with = "String", extend("pattern" = "^[0-9a-f]{16}$"))]
pub struct Fingerprint(i64);

impl Fingerprint {
    /// The bare number, for the database.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl From<i64> for Fingerprint {
    fn from(number: i64) -> Self {
        Self(number)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;

    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that was meant to be a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidFingerprint;

impl fmt::Display for InvalidFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fingerprint is 16 hexadecimal digits, such as 0f3a9d2b115e0f3a")
    }
}

impl std::error::Error for InvalidFingerprint {}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;

    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| is_hex);
        number.map(|number| Self(number.cast_signed())).ok_or(InvalidFingerprint)
    }
}

/// Failures that are the same (`GET /api/jobs/errors`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorGroup {
    /// What they have in common, for `error=` of the list of jobs.
    pub fingerprint: Fingerprint,
    /// The kind of the jobs.
    pub kind: String,
    /// The code of the error.
    pub code: String,
    /// What the error says, with placeholders for numbers, ids, times and the like.
    pub pattern: String,
    /// Attempts that failed so.
    pub attempts: u64,
    /// How often a job has failed for good with it.
    pub jobs: u64,
    /// When the first attempt failed so.
    pub first_at: DateTime<Utc>,
    /// When the newest did.
    pub last_at: DateTime<Utc>,
    /// The job of the newest.
    pub last_job: JobId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_read_back_as_written() {
        for number in [0, 1, -1, i64::MIN, i64::MAX, -0x1b43_b026_dad4_16b1] {
            let fingerprint = Fingerprint::from(number);
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
        assert_eq!(Fingerprint::from(-1).to_string(), "ffffffffffffffff");
        for wrong in ["", "1", "+00000000000000f", "0f3a9d2b115e0f3", "0f3a9d2b115e0f3ag"] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(InvalidFingerprint), "{wrong}");
        }
    }
}
