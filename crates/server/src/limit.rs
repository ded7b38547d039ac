//! How many requests one caller may send: counted by credential, else by address, and told in every answer.

pub(crate) mod buckets;
mod standing;
mod subject;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::Utc;
use mindflight_api::codes;
use mindflight_core::ports::Clock;
use mindflight_core::{Caller, Error};

use self::buckets::{Buckets, Quota};
use crate::config::Config;

pub(crate) use self::standing::{Standing, Standings};
pub(crate) use self::subject::{Network, Subject};

/// Subjects that are remembered at the same time.
const MOST_SUBJECTS: usize = 100_000;

/// The limits of this instance. Each instance counts for itself.
#[derive(Clone)]
pub(crate) struct Limits(Arc<Inner>);

struct Inner {
    enabled: bool,
    requests: u32,
    key_creations: u32,
    sent: Buckets<Subject>,
    created: Buckets<Subject>,
    clock: Arc<dyn Clock>,
}

impl Limits {
    pub(crate) fn new(config: &Config, clock: Arc<dyn Clock>) -> Self {
        let limits = &config.limits;
        Self(Arc::new(Inner {
            enabled: config.limits_enabled(),
            requests: limits.requests_per_minute,
            key_creations: limits.key_creations_per_minute,
            sent: Buckets::new(MOST_SUBJECTS),
            created: Buckets::new(MOST_SUBJECTS),
            clock,
        }))
    }

    /// Counts a request; `None` while there are no limits. Whether it may go on, the standing says.
    pub(crate) fn request(&self, caller: &Caller, ip: Option<IpAddr>) -> Option<Standing> {
        let requests = caller.facts().rate.unwrap_or(self.0.requests);
        self.count("default", &self.0.sent, requests, Subject::of(caller, ip))
    }

    /// Counts a new API key.
    pub(crate) fn key_creation(&self, caller: &Caller, ip: Option<IpAddr>) -> Option<Standing> {
        self.count("key-creation", &self.0.created, self.0.key_creations, Subject::of(caller, ip))
    }

    /// Forgets whoever has all of the quota again; to be called now and then.
    pub(crate) fn forget_idle(&self) {
        let now = self.0.clock.now();
        self.0.sent.forget_full(now);
        self.0.created.forget_full(now);
    }

    fn count(
        &self,
        name: &'static str,
        buckets: &Buckets<Subject>,
        per_minute: u32,
        subject: Subject,
    ) -> Option<Standing> {
        if !self.0.enabled {
            return None;
        }
        let quota = Quota::per_minute(per_minute);
        let level = buckets.take(subject, quota, self.0.clock.now());
        Some(Standing { name, quota, level })
    }
}

/// The refusal of a caller who has to wait.
pub(crate) fn refusal(what: &str, quota: Quota, wait: chrono::Duration) -> Error {
    let detail = format!("more than {} {what} in {} s", quota.count(), quota.window().as_secs());
    Error::of(codes::RATE_LIMITED, detail).wait(wait.to_std().unwrap_or_default())
}

/// The clock's time is the only one here, so that tests can move it.
type Time = chrono::DateTime<Utc>;

#[cfg(test)]
mod tests;
