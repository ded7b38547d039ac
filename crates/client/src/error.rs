//! What can go wrong between a caller and the server's answer.

use std::time::Duration;

use mindflight_api::Problem;

/// A cause, kept for those who print the chain.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that talks to the server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why there is no answer, or none to use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused, or the tool failed: the problem says why and what to do.
    #[error("{}", .0.detail)]
    Api(Box<Problem>),
    /// No connection could be opened: the request never reached a server.
    #[error("no server answers at {url}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        /// What the network said.
        source: Cause,
    },
    /// The connection broke before the answer was whole: the request may have had its effect.
    #[error("the connection to {url} broke before the answer was whole")]
    Broken {
        /// The request.
        url: String,
        /// What the network said.
        source: Cause,
    },
    /// The answer did not come in time: the request may still have its effect.
    #[error("{url} gave no answer within {limit:?}")]
    Timeout {
        /// The request.
        url: String,
        /// How long it was waited for.
        limit: Duration,
        /// What the network said.
        source: Cause,
    },
    /// Something answered, but it is no mindflight server.
    #[error("{url} is not answered by mindflight: {reason}")]
    NotOurs {
        /// The request.
        url: String,
        /// How that shows.
        reason: String,
    },
    /// The server answered something else than this client understands.
    #[error("the answer of {url} cannot be read; are client and server of the same version?")]
    Decode {
        /// The request.
        url: String,
        /// Where it differs.
        source: Cause,
    },
    /// The request's body cannot be written as JSON.
    #[error("the request cannot be written as JSON")]
    Encode(#[source] Cause),
    /// The server's address cannot be used.
    #[error("`{url}` is not the address of a server: {reason}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The name cannot stand in a URL's path.
    #[error("`{name}` cannot be a name: it must not be empty, `.` or `..`")]
    Name {
        /// The name.
        name: String,
    },
    /// The key holds characters that no header can hold; it is not shown.
    #[error("the key holds characters that no key has; was more than the key copied?")]
    InvalidKey,
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] Cause),
}

impl Error {
    /// The server's problem object, if it is the server that said no.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        if let Self::Api(problem) = self { Some(problem) } else { None }
    }
}
