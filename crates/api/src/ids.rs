//! Typed ids: ids of different kinds cannot be mixed up, and all are UUID v7 (RFC 9562).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that was meant to be an id and is not a hyphenated UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is a hyphenated UUID, such as 018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11")
    }
}

impl std::error::Error for InvalidId {}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than all that this process made before.
            #[expect(clippy::disallowed_methods, reason = "the typed ids are the one place that makes UUIDs")]
            #[expect(clippy::new_without_default, reason = "an id that appears by default hides that it is new")]
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for the database.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // The library also reads the braced, URN and bare forms; the contract has one.
                if text.len() != uuid::fmt::Hyphenated::LENGTH {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )*};
}

ids! {
    /// One row of the audit log.
    AuditId;
    /// One event whose publisher gave it no id.
    EventId;
    /// One running server process.
    InstanceId;
    /// One durable job.
    JobId;
    /// One API key.
    KeyId;
    /// One request, whichever face it came through.
    RequestId;
    /// One schedule, which makes jobs by the clock.
    ScheduleId;
    /// One user.
    UserId;
}

impl JobId {
    /// When the job was made, by the clock of the process that made it: the first 48 bits of its id, milliseconds
    /// since 1970 (RFC 9562 §5.7).
    #[must_use]
    pub fn made_at(self) -> DateTime<Utc> {
        let millis = i64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(millis).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jobs_id_says_when_it_was_made() {
        let id: JobId = "01a1fd11-0f7d-757b-866d-a30864227c84".parse().unwrap();
        assert_eq!(id.made_at().to_rfc3339(), "2026-11-21T07:45:16.157+00:00");
    }

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = UserId::new();
        assert_eq!(id.to_string().parse::<UserId>(), Ok(id));
        for wrong in
            ["", "1", "018f3c6e8a537d449c1b5e0f3a9d2b11", "{018f3c6e-8a53-7d44-9c1b-5e0f3a9d2b11}"]
        {
            assert_eq!(wrong.parse::<UserId>(), Err(InvalidId), "{wrong}");
        }
    }
}
