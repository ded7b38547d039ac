//! What becomes of a job after an attempt.

use std::time::Duration;

use mindflight_api::Fault;

use super::Backoff;
use crate::{Error, ErrorKind};

/// How an attempt ended.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// With a result.
    Succeeded,
    /// With an error.
    Failed(&'a Error),
    /// Someone cancelled the job.
    Cancelled,
}

/// What becomes of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Done.
    Succeeded,
    /// Out of attempts, or not retryable.
    Failed,
    /// Stopped.
    Cancelled,
    /// Another attempt after this long; this one counts.
    Retry(Duration),
    /// Another attempt after this long; this one does not count.
    Snooze(Duration),
}

/// Decides what becomes of a job after attempt number `attempt` (from 1) of `max`; `random` is in 0–1.
#[must_use]
pub fn after_attempt(
    outcome: &Outcome<'_>,
    (attempt, max): (u32, u32),
    backoff: &Backoff,
    random: f64,
) -> Next {
    let error = match outcome {
        Outcome::Succeeded => return Next::Succeeded,
        Outcome::Cancelled => return Next::Cancelled,
        Outcome::Failed(error) => error,
    };
    let wait = error.retry_after();
    if let (true, Some(wait)) = (error.is_snooze(), wait) {
        return Next::Snooze(wait);
    }
    if is_hopeless(error) || attempt >= max {
        return Next::Failed;
    }
    Next::Retry(wait.unwrap_or_else(|| backoff.wait(attempt, random)))
}

/// What a caller could correct, nobody corrects here: the arguments of a job do not change. What others are
/// at fault for may pass, and so may a conflict with a neighbour.
fn is_hopeless(error: &Error) -> bool {
    let may_pass = matches!(error.kind(), ErrorKind::Conflict | ErrorKind::Unavailable);
    error.is_permanent() || (error.fault() == Fault::Caller && !may_pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(error: &Error, attempt: u32) -> Next {
        after_attempt(&Outcome::Failed(error), (attempt, 3), &Backoff::default(), 0.5)
    }

    #[test]
    fn what_may_pass_is_retried_until_attempts_run_out() {
        let error = Error::upstream("503");
        assert_eq!(next(&error, 1), Next::Retry(Duration::from_secs(1)));
        assert_eq!(next(&error, 2), Next::Retry(Duration::from_secs(2)));
        assert_eq!(next(&error, 3), Next::Failed);
        for error in [Error::failed("it broke"), Error::conflict("somebody was faster")] {
            assert_eq!(next(&error, 1), Next::Retry(Duration::from_secs(1)));
        }
    }

    #[test]
    fn what_nobody_can_correct_fails_at_once() {
        assert_eq!(next(&Error::invalid("no such account"), 1), Next::Failed);
        assert_eq!(next(&Error::upstream("410").permanent(), 1), Next::Failed);
    }

    #[test]
    fn an_asked_for_wait_is_kept_and_a_snooze_does_not_count() {
        let wait = Duration::from_secs(90);
        assert_eq!(next(&Error::retry_in(wait), 1), Next::Retry(wait));
        assert_eq!(next(&Error::snooze(wait), 3), Next::Snooze(wait));
    }
}
