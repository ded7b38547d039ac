//! What a test says about an error.

use std::time::Duration;

use mindflight_api::{Fault, Problem, RequestId, Retry};
use mindflight_core::Error;

/// An error as its caller sees it. Each method checks one thing and gives the next.
#[derive(Debug, Clone)]
pub struct Refused {
    problem: Problem,
}

impl Refused {
    pub(crate) fn of(error: &Error) -> Self {
        let problem = error.problem(RequestId::new());
        Self { problem }
    }

    /// The whole problem object.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Its code is this one.
    #[track_caller]
    pub fn code(self, code: &str) -> Self {
        assert_eq!(self.problem.code, code, "{:#?}", self.problem);
        self
    }

    /// Its HTTP status is this one.
    #[track_caller]
    pub fn status(self, status: u16) -> Self {
        assert_eq!(self.problem.status, status, "{:#?}", self.problem);
        self
    }

    /// It is the fault of this party.
    #[track_caller]
    pub fn fault(self, fault: Fault) -> Self {
        assert_eq!(self.problem.fault, fault, "{:#?}", self.problem);
        self
    }

    /// Whether sending again can help.
    #[track_caller]
    pub fn retry(self, retry: Retry) -> Self {
        assert_eq!(self.problem.retry, retry, "{:#?}", self.problem);
        self
    }

    /// Sending again can help after this long.
    #[track_caller]
    pub fn retry_after(self, wait: Duration) -> Self {
        let wait = u64::try_from(wait.as_millis()).ok();
        assert_eq!(self.problem.retry_after_ms, wait, "{:#?}", self.problem);
        self.retry(Retry::After)
    }

    /// The sentence for the caller contains this.
    #[track_caller]
    pub fn detail_contains(self, part: &str) -> Self {
        let detail = &self.problem.detail;
        assert!(detail.contains(part), "no {part:?} in {detail:?}");
        self
    }

    /// The field with this JSON Pointer is named.
    #[track_caller]
    pub fn names_field(self, pointer: &str) -> Self {
        let mut fields = self.problem.errors.iter();
        let named = fields.any(|field| field.pointer == pointer);
        assert!(named, "no field {pointer:?} in {:#?}", self.problem.errors);
        self
    }

    /// It says what to do next.
    #[track_caller]
    pub fn has_fix(self) -> Self {
        let fix = self.problem.fix.as_deref().unwrap_or_default();
        assert!(!fix.is_empty(), "no fix in {:#?}", self.problem);
        self
    }

    /// Nowhere in it is this secret.
    #[track_caller]
    pub fn hides(self, secret: &str) -> Self {
        let text = format!("{:?}", self.problem);
        assert!(!text.contains(secret), "{secret:?} stands in {text}");
        self
    }
}
