//! The breaker of one tool: after several failures in a row the tool rests.

use std::time::Duration;

use mindflight_api::codes;
use mindflight_core::{Error, ErrorKind, Result};
use recloser::{AsyncRecloser, Recloser};

use crate::Settings;

/// Share of failures above which the library opens; just below all of them.
const ALL: f32 = 0.99;

pub(crate) struct Breaker {
    recloser: AsyncRecloser,
    rest: Duration,
}

impl Breaker {
    pub(crate) fn new(settings: &Settings) -> Self {
        let failures = settings.breaker_failures.max(1);
        let recloser = Recloser::custom()
            .error_rate(ALL)
            .closed_len(failures)
            .half_open_len(1)
            .open_wait(settings.breaker_rest)
            .build();
        // The library judges once its window is full: filled with successes, it opens on exactly so many failures.
        for _ in 0..failures {
            drop(recloser.call(|| Ok::<(), ()>(())));
        }
        Self { recloser: recloser.into(), rest: settings.breaker_rest }
    }

    /// Runs `work`, unless the tool rests.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        match self.recloser.call_with(counts, work).await {
            Ok(value) => Ok(value),
            Err(recloser::Error::Inner(error)) => Err(error),
            Err(recloser::Error::Rejected) => Err(Error::of(
                codes::TOOL_UNAVAILABLE,
                "the tool failed several times in a row and rests before it is tried again",
            )
            .wait(self.rest)),
        }
    }
}

/// Panics, deadlines, broken results and dead upstreams count; what the caller did wrong does not.
fn counts(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Internal | ErrorKind::Timeout | ErrorKind::Upstream)
}
