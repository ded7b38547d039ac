//! What one attempt at a job gave, and what a test says about it.

use std::sync::Arc;

use mindflight_api::JobId;
use mindflight_core::policy::Next;
use mindflight_core::ports::Lease;
use mindflight_core::progress::Progress;
use mindflight_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refused::Refused;
use crate::watch::Lines;

/// What one attempt at a job gave.
#[derive(Debug, Clone)]
pub struct JobRun {
    kind: String,
    lease: Lease,
    result: Result<Value, Arc<Error>>,
    fate: Fate,
    progress: Vec<Progress>,
    log: Vec<String>,
}

/// What becomes of the job after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// What the policy says.
    Next(Next),
    /// The worker has died: another attempt follows.
    Crashed,
    /// Another worker has the job: nothing of this attempt counts.
    Lost,
}

impl JobRun {
    pub(super) fn new(
        kind: String,
        lease: Lease,
        (result, fate): (Result<Value, Arc<Error>>, Fate),
        lines: &Lines,
    ) -> Self {
        Self { kind, lease, result, fate, progress: lines.progress(), log: lines.log() }
    }

    /// The job.
    #[must_use]
    pub fn job(&self) -> JobId {
        self.lease.job
    }

    /// The attempt's number, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.lease.attempt
    }

    /// What comes next by the kind's options, with no jitter in the waits.
    ///
    /// # Panics
    /// If the attempt had lost its lease: then another worker decides.
    #[track_caller]
    #[must_use]
    pub fn next(&self) -> Next {
        match self.fate {
            Fate::Next(next) => next,
            Fate::Crashed | Fate::Lost => panic!("{}: {:?}", self.called(), self.fate),
        }
    }

    /// Whether another worker had the job when this attempt ended, so that nothing of it counts.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.fate == Fate::Lost
    }

    /// The result.
    ///
    /// # Panics
    /// If the attempt failed.
    #[track_caller]
    #[must_use]
    pub fn output(&self) -> &Value {
        match &self.result {
            Ok(output) => output,
            Err(error) => panic!("{} failed: {error:?}", self.called()),
        }
    }

    /// The result as a `T`.
    ///
    /// # Panics
    /// If the attempt failed, or its result is no `T`.
    #[track_caller]
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_value(self.output().clone()) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", self.output()),
        }
    }

    /// The attempt succeeded with exactly this result.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn assert_ok(&self, expected: Value) -> &Self {
        assert_eq!(*self.output(), expected);
        self
    }

    /// The attempt failed; check how.
    ///
    /// # Panics
    /// If it did not fail.
    #[track_caller]
    pub fn assert_error(&self) -> Refused {
        match &self.result {
            Ok(output) => panic!("{} succeeded with {output}", self.called()),
            Err(error) => Refused::of(error),
        }
    }

    /// The error with its private cause, if the attempt failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err().map(|error| &**error)
    }

    /// What the attempt reported.
    #[must_use]
    pub fn progress(&self) -> &[Progress] {
        &self.progress
    }

    /// What the attempt wrote into the job's log.
    #[must_use]
    pub fn log(&self) -> &[String] {
        &self.log
    }

    pub(super) fn fate(&self) -> Fate {
        self.fate
    }

    /// What it is called in messages.
    fn called(&self) -> String {
        format!("attempt {} at `{}`", self.lease.attempt, self.kind)
    }
}
