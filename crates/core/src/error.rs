//! The one error that crosses crate boundaries: a public face, a private cause, no knowledge of HTTP faces.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use mindflight_api::{Code, Fault, FieldError, Problem, RequestId, Retry, codes, problem};
use serde_json::Value;

/// The result of everything a provider does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What a caller can do about an error; derived from its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request has to change (400–499 but those below).
    Invalid,
    /// Credentials or rights are missing (401, 403).
    Forbidden,
    /// What it names is not there (404).
    NotFound,
    /// Not possible in this state (409).
    Conflict,
    /// Too much, for now (429, 503).
    Unavailable,
    /// Its time ran out (504).
    Timeout,
    /// An outside service failed (502).
    Upstream,
    /// Something is broken in here (500 and the rest).
    Internal,
}

/// Why something failed: one code, a sentence for the caller, and a cause that only the log sees.
///
/// Make one with the constructor that fits, then add what is known:
///
/// ```
/// use mindflight_core::Error;
///
/// let error = Error::not_found("no city called \"Atlantis\"")
///     .code("weather.city_not_found")
///     .fix("Check the spelling, or send \"city, country\".");
/// assert_eq!(error.name(), "weather.city_not_found");
/// assert_eq!(error.status(), 404);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: Code,
    own: Option<Cow<'static, str>>,
    detail: Cow<'static, str>,
    fix: Option<Cow<'static, str>>,
    fields: Vec<FieldError>,
    after: Option<Duration>,
    snooze: bool,
    permanent: bool,
    cause: Option<Cause>,
}

impl Error {
    /// An error of the server's table.
    pub fn of(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            own: None,
            detail: detail.into(),
            fix: None,
            fields: Vec::new(),
            after: None,
            snooze: false,
            permanent: false,
            cause: None,
        }))
    }

    /// The arguments are well-formed, but wrong.
    pub fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::INVALID_ARGUMENTS, detail)
    }

    /// What the caller named is not there.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::NOT_FOUND, detail)
    }

    /// Refused, whatever the credentials are: a path, an address, an account.
    pub fn not_allowed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::NOT_ALLOWED, detail)
    }

    /// Not possible in the present state.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::CONFLICT, detail)
    }

    /// Something is larger than allowed.
    pub fn too_large(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::TOO_LARGE, detail)
    }

    /// An outside service failed or answered nonsense.
    pub fn upstream(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::UPSTREAM, detail)
    }

    /// The provider cannot do it at the moment; name a wait with [`Error::wait`].
    pub fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::PROVIDER_UNAVAILABLE, detail)
    }

    /// The provider itself is at fault. Callers read `detail`; the cause goes to the log.
    pub fn failed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::PROVIDER_ERROR, detail)
    }

    /// This server does not have what the call asks for.
    pub fn not_supported(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(codes::NOT_SUPPORTED, detail)
    }

    /// Something that callers cannot help. They read a fixed sentence, never the cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::of(
            codes::INTERNAL,
            "Something went wrong in the server; the log has the cause under this request id.",
        )
        .because(cause)
    }

    /// Run this job again after `wait`.
    pub fn retry_in(wait: Duration) -> Self {
        Self::unavailable("asked to be run again later").wait(wait)
    }

    /// Run this job again after `wait`, without counting this attempt.
    pub fn snooze(wait: Duration) -> Self {
        let mut error = Self::retry_in(wait);
        error.0.snooze = true;
        error
    }

    /// A code of the provider's own, `<id>.<what>`; status and class stay.
    #[must_use]
    pub fn code(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.own = Some(name.into());
        self
    }

    /// The next step, in one sentence.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Cow<'static, str>>) -> Self {
        self.0.fix = Some(fix.into());
        self
    }

    /// A field that is wrong, by JSON Pointer, with the allowed values where they are few.
    #[must_use]
    pub fn field(
        mut self,
        pointer: impl Into<String>,
        detail: impl Into<String>,
        allowed: Vec<Value>,
    ) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        self.0.fields.push(FieldError { pointer, detail, allowed });
        self
    }

    /// The same request may succeed after `wait`.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.0.code.retry = Retry::After;
        self.0.after = Some(wait);
        self
    }

    /// Trying again cannot help: a job with this error is not retried.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.code.retry = Retry::No;
        self.0.after = None;
        self.0.permanent = true;
        self
    }

    /// The private cause: logged, never sent.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }
}

/// What the faces and the queue read.
impl Error {
    /// The code that callers match on.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.own.as_deref().unwrap_or(self.0.code.name)
    }

    /// The HTTP status of this class of error.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.0.code.status
    }

    /// The sentence for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Whether sending again can help.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        self.0.code.retry
    }

    /// How long to wait before sending again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.0.after
    }

    /// Whether this attempt should not be counted.
    #[must_use]
    pub const fn is_snooze(&self) -> bool {
        self.0.snooze
    }

    /// Whether whoever made the error said that trying again cannot help.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self.0.code.status {
            401 | 403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            429 | 503 => ErrorKind::Unavailable,
            400..=499 => ErrorKind::Invalid,
            502 => ErrorKind::Upstream,
            504 => ErrorKind::Timeout,
            _ => ErrorKind::Internal,
        }
    }

    /// The problem object (RFC 9457) that every face renders.
    #[must_use]
    pub fn problem(&self, request: RequestId) -> Problem {
        let Inner { code, own, detail, fix, fields, after, .. } = &*self.0;
        let request_id = request.to_string();
        Problem {
            r#type: format!("{}{}", problem::TYPE_BASE, self.name()),
            title: own.as_ref().map_or_else(|| code.title.to_owned(), |own| title(own)),
            status: code.status,
            detail: detail.clone().into_owned(),
            instance: format!("/requests/{request_id}"),
            code: self.name().to_owned(),
            fault: code.fault,
            retry: code.retry,
            retry_after_ms: after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            fix: match (fix, own) {
                (Some(fix), _) => Some(fix.clone().into_owned()),
                (None, None) => Some(code.fix.to_owned()),
                // The table's advice is about the table's code.
                (None, Some(_)) => None,
            },
            request_id,
            errors: fields.clone(),
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        self.0.code.fault
    }
}

/// `weather.city_not_found` → `Weather city not found`.
fn title(code: &str) -> String {
    let mut words = code.replace(['.', '_'], " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.name())
            .field("detail", &self.0.detail)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_never_reaches_the_problem() {
        let error = Error::internal(std::io::Error::other("password=hunter2"));
        let text = serde_json::to_string(&error.problem(RequestId::new())).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("hunter2"));
    }

    #[test]
    fn a_code_of_ones_own_keeps_the_class() {
        let error = Error::upstream("the vendor said 503").code("weather.vendor_down");
        let problem = error.problem(RequestId::new());
        assert_eq!((problem.status, problem.title.as_str()), (502, "Weather vendor down"));
        assert_eq!(problem.fix, None);
        assert_eq!(error.kind(), ErrorKind::Upstream);
    }

    #[test]
    fn a_permanent_error_has_no_wait() {
        let error = Error::retry_in(Duration::from_secs(3)).permanent();
        assert_eq!((error.retry(), error.retry_after()), (Retry::No, None));
    }
}
