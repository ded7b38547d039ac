//! Figures of a kind, registered once so that counting is cheap.

use metrics::{Counter, Histogram};
use mindflight_store::jobs::End;

/// Figures of a kind.
#[derive(Clone)]
pub(crate) struct Meters {
    pub(crate) duration: Histogram,
    pub(crate) succeeded: Counter,
    failed: Counter,
    cancelled: Counter,
    retried: Counter,
    returned: Counter,
}

impl Meters {
    pub(crate) fn of(kind: &str) -> Self {
        let ended = |outcome: &'static str| metrics::counter!("mindflight_job_attempts_total", "kind" => kind.to_owned(), "outcome" => outcome);
        Self {
            duration: metrics::histogram!("mindflight_job_duration_seconds", "kind" => kind.to_owned()),
            succeeded: ended("succeeded"),
            failed: ended("failed"),
            cancelled: ended("cancelled"),
            retried: ended("retried"),
            returned: ended("returned"),
        }
    }

    pub(crate) fn count(&self, end: &End) {
        match end {
            End::Succeeded(_) => &self.succeeded,
            End::Failed(_) => &self.failed,
            End::Cancelled(_) => &self.cancelled,
            End::Retry(..) | End::Snooze(_) => &self.retried,
            End::Returned => &self.returned,
        }
        .increment(1);
    }
}
