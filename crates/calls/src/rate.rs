//! Calls a minute, per caller, of the tools that declare a rate.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use mindflight_api::codes;
use mindflight_core::{Caller, Error, Result};

/// Callers remembered before those that are quiet are let go.
const MANY: usize = 10_000;

pub(crate) struct Rate {
    limiter: DefaultKeyedRateLimiter<String>,
    per_minute: NonZeroU32,
}

impl Rate {
    pub(crate) fn new(per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Self { limiter: DefaultKeyedRateLimiter::keyed(Quota::per_minute(per_minute)), per_minute }
    }

    pub(crate) fn check(&self, caller: &Caller) -> Result<()> {
        if self.limiter.len() > MANY {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&caller.space()).map_err(|until| {
            let detail =
                format!("this tool takes {} calls a minute from one caller", self.per_minute);
            Error::of(codes::RATE_LIMITED, detail)
                .wait(until.wait_time_from(DefaultClock::default().now()))
        })
    }
}
