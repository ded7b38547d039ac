//! Why there is no connection, or no longer.

use std::time::Duration;

use mindflight_store::tls_refusal;

use super::connect::ADDRESS;
use super::tls::TlsError;

/// Why there is no connection, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error("{0}")]
    Address(#[from] mindflight_store::Error),
    #[error("{}", chain(.0))]
    Tls(#[from] TlsError),
    #[error("{}", words(.0))]
    Refused(tokio_postgres::Error),
    #[error("the database did not answer within {0:?}")]
    Slow(Duration),
    #[error("the connection broke: {}", words(.0))]
    Broken(tokio_postgres::Error),
    #[error("the connection ended")]
    Ended,
    #[error("the connection is silent: a question on it was not answered within {0:?}")]
    Silent(Duration),
    #[error(
        "this address takes LISTEN but does not deliver notifications, as a pooler in transaction mode does not; set \
         DATABASE_DIRECT_URL to the address of the database itself"
    )]
    Deaf,
}

impl Lost {
    /// Whether there was a connection to lose.
    pub(super) const fn was_connected(&self) -> bool {
        matches!(self, Self::Broken(_) | Self::Ended | Self::Silent(_) | Self::Deaf)
    }
}

/// What the driver says, or what can be done about it.
fn words(error: &tokio_postgres::Error) -> String {
    tls_refusal(ADDRESS, error).unwrap_or_else(|| chain(error))
}

/// An error with its causes.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some repeat what is below them.
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
