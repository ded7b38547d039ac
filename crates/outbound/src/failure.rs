//! Why there is no answer, in words for the caller, and as the error that crosses crates.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use mindflight_core::Error;

use crate::guard::Refusal;
use crate::names::NotFound;

/// Why one request ended without an answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A rule is against it.
    Refused(Refusal),
    /// The host rests for so long.
    Resting(Duration),
    /// The host did not answer, or not to the end.
    NoAnswer(NoAnswer),
    /// The answer is larger than so many bytes, the limit of this setting or, if none, of the request.
    TooLarge(usize, Option<&'static str>),
    /// It redirects to where nobody can follow.
    Redirect(String),
    /// The machine cannot do HTTP.
    Machine(reqwest::Error),
}

#[derive(Debug)]
pub(crate) struct NoAnswer {
    words: String,
    cause: Option<reqwest::Error>,
}

impl NoAnswer {
    /// The time for the whole exchange was over.
    pub(crate) fn late(limit: Duration) -> Self {
        Self { words: format!("timed out within {}", span(limit)), cause: None }
    }

    pub(crate) const fn is_late(&self) -> bool {
        self.cause.is_none()
    }

    pub(crate) fn new(error: reqwest::Error, connect_timeout: Duration) -> Self {
        let words = words(&error, connect_timeout);
        // The URL in the library's text may carry secrets, and this goes to the log.
        Self { words, cause: Some(error.without_url()) }
    }
}

impl Failure {
    /// As the caller gets it. The host is named, the URL is not: it may carry secrets.
    pub(crate) fn into_error(self, host: &str) -> Error {
        match self {
            Self::Refused(refusal) => refusal.error(),
            Self::Resting(wait) => Error::upstream(format!(
                "`{host}` failed several times in a row and is left alone for a while"
            ))
            .wait(wait)
            .fix("Wait as long as the error says, then try again."),
            Self::NoAnswer(NoAnswer { words, cause }) => {
                let error = Error::upstream(format!("`{host}` did not answer: {words}"));
                match cause {
                    Some(cause) => error.because(cause),
                    None => error,
                }
            }
            Self::TooLarge(limit, setting) => {
                let whose = setting.map(|name| format!(" (`{name}`)")).unwrap_or_default();
                Error::upstream(format!(
                    "the answer of `{host}` is larger than {limit} bytes{whose}"
                ))
                .fix("Ask for less, if the service can page or filter.")
            }
            Self::Redirect(why) => Error::upstream(format!("`{host}` {why}")),
            Self::Machine(error) => Error::internal(error.without_url()),
        }
    }
}

/// What went wrong with the connection. Addresses are left to the log.
fn words(error: &reqwest::Error, connect_timeout: Duration) -> String {
    if chain(error).any(|cause| cause.is::<NotFound>()) {
        return "its name was not found".to_owned();
    }
    if let Some(cause) = chain(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
        let (kind, inner) = innermost(cause);
        match (kind, inner) {
            (ErrorKind::ConnectionRefused, _) => return "connection refused".to_owned(),
            (ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable, _) => {
                return "it cannot be reached".to_owned();
            }
            (ErrorKind::InvalidData | ErrorKind::Other, Some(inner)) if error.is_connect() => {
                return format!("TLS: {inner}");
            }
            (ErrorKind::UnexpectedEof, _) if error.is_connect() => {
                return "TLS: the handshake broke off".to_owned();
            }
            _ => {}
        }
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => format!("no connection within {}", span(connect_timeout)),
        (true, false) => "no connection could be made".to_owned(),
        (false, _) => "the connection broke off".to_owned(),
    }
}

/// `error` and what is below it.
pub(crate) fn chain<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// What an IO error is in the end; libraries wrap one into another.
fn innermost(error: &io::Error) -> (ErrorKind, Option<&(dyn StdError + Send + Sync + 'static)>) {
    match error.get_ref() {
        Some(inner) => match inner.downcast_ref::<io::Error>() {
            Some(inner) => innermost(inner),
            None => (error.kind(), Some(inner)),
        },
        None => (error.kind(), None),
    }
}

fn span(span: Duration) -> String {
    match span.subsec_millis() {
        0 => format!("{} s", span.as_secs()),
        _ => format!("{} ms", span.as_millis()),
    }
}
