//! What a tool answered, and what a test says about it.

use mindflight_core::progress::Progress;
use mindflight_core::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::refused::Refused;
use crate::watch::Lines;

/// What a tool answered.
pub struct Reply {
    result: Result<Value>,
    lines: Lines,
    progress: Vec<Progress>,
}

impl Reply {
    pub(crate) fn new(result: Result<Value>, lines: Lines) -> Self {
        let progress = lines.progress();
        Self { result, lines, progress }
    }

    /// The result.
    ///
    /// # Panics
    /// If the call failed.
    #[track_caller]
    #[must_use]
    pub fn output(&self) -> &Value {
        match &self.result {
            Ok(output) => output,
            Err(error) => panic!("the call failed: {error:?}"),
        }
    }

    /// The result as a `T`.
    ///
    /// # Panics
    /// If the call failed, or its result is no `T`.
    #[track_caller]
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self) -> T {
        let output = self.output().clone();
        match serde_json::from_value(output) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", self.output()),
        }
    }

    /// The call succeeded with exactly this result.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn assert_ok(&self, expected: Value) -> &Self {
        assert_eq!(*self.output(), expected);
        self
    }

    /// The call failed; check how.
    ///
    /// # Panics
    /// If it did not fail.
    #[track_caller]
    pub fn assert_error(&self) -> Refused {
        match &self.result {
            Ok(output) => panic!("the call succeeded with {output}"),
            Err(error) => Refused::of(error),
        }
    }

    /// The error with its private cause, if the call failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.result.as_ref().err()
    }

    /// What the call reported.
    #[must_use]
    pub fn progress(&self) -> &[Progress] {
        &self.progress
    }

    /// What the call wrote into its caller's log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.lines.log()
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reply").field(&self.result).finish()
    }
}
