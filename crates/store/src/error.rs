//! Why the database did not do it, by what somebody can do about it; the driver's own error is a private cause.

use std::time::Duration;

use mindflight_api::codes;
use sqlx::error::DatabaseError;

use crate::tls_error::tls_refusal;

/// The result of everything that asks the database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the log says about it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// How long callers are told to wait while the database is away.
const AWAY: Duration = Duration::from_secs(1);

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address or the credentials are wrong.
    #[error("{0}")]
    Config(String),
    /// The server is away, stopping, full, or has no connection left.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Cause),
    /// A statement or a transaction took too long.
    #[error("the database did not answer in time")]
    Timeout(#[source] Cause),
    /// The state, or a constraint of it, is against it.
    #[error("{detail}")]
    Conflict {
        /// The constraint, where one of the schema decided.
        constraint: Option<String>,
        /// What is in the way.
        detail: String,
    },
    /// A text with a NUL character.
    #[error("the NUL character (\\u0000) is not allowed in stored text; `{0}` has one")]
    Nul(String),
    /// A value that does not fit its limits.
    #[error("{0}")]
    Invalid(String),
    /// More than may be stored.
    #[error("{0}")]
    TooLarge(String),
    /// What the operation needs is not there.
    #[error("{0}")]
    NotSupported(String),
    /// The server is older than what is needed.
    #[error("PostgreSQL {found} is too old: mindflight needs {oldest} or newer", oldest = crate::OLDEST)]
    TooOld {
        /// What it says it is.
        found: crate::ServerVersion,
    },
    /// The database was migrated by a program with another history than this one's.
    #[error(
        "the database has the migration {unknown}, which this program does not know although it knows the newer {newest}: \
         they come from different histories; use the release that made the database, or a backup"
    )]
    Diverged {
        /// The oldest one of the database that is not known.
        unknown: String,
        /// The newest one of the program.
        newest: String,
    },
    /// A migration was edited after it had been applied.
    #[error(
        "the migration {0} was applied with another text than this program's; a released migration is never edited"
    )]
    Edited(String),
    /// A migration failed; the schema is as it was before that one.
    #[error("the migration {name} failed")]
    Migration {
        /// Which one.
        name: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// Something is broken in here.
    #[error("the database refused a statement or answered nonsense")]
    Internal(#[source] Cause),
}

impl Error {
    pub(crate) fn of(error: sqlx::Error) -> Self {
        if let Some(refusal) = tls_refusal("DATABASE_URL", &error) {
            return Self::Config(refusal);
        }
        if let sqlx::Error::Tls(refusal) = &error {
            return Self::Config(format!("TLS with the database failed: {refusal}"));
        }
        let is_away = matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        );
        if is_away {
            Self::Unavailable(error.into())
        } else if let sqlx::Error::Database(refusal) = error {
            Self::refused(refusal)
        } else {
            Self::Internal(error.into())
        }
    }

    /// By SQLSTATE.
    fn refused(refusal: Box<dyn DatabaseError>) -> Self {
        let code = refusal.code().unwrap_or_default().into_owned();
        let (class, _) = code.split_at_checked(2).unwrap_or_default();
        match (class, code.as_str()) {
            // The server cancelled it, or nothing came from us for too long.
            // Or a lock was not to be had because two waited for each other.
            (_, "57014" | "55P03" | "25P03" | "40P01" | "40001") => Self::Timeout(refusal.into()),
            // Connections, resources, operator intervention, and a standby that takes no writes.
            ("08" | "53" | "57", _) | (_, "25006") => Self::Unavailable(refusal.into()),
            ("28", _) | (_, "3D000") => Self::Config(format!(
                "the database refuses what DATABASE_URL names: {}",
                refusal.message()
            )),
            (_, "22021" | "22P05") => Self::Nul("text".to_owned()),
            (_, "23505" | "23503" | "42P04") => Self::Conflict {
                constraint: refusal.constraint().map(str::to_owned),
                detail: "something else is there already, or what it belongs to is gone".to_owned(),
            },
            _ => Self::Internal(refusal.into()),
        }
    }

    /// The same of an address that comes from elsewhere than `DATABASE_URL`.
    pub(crate) fn about(mut self, variable: &str) -> Self {
        if let Self::Config(text) = &mut self {
            *text = text.replace("DATABASE_URL", variable);
        }
        self
    }

    pub(crate) fn conflict(detail: String) -> Self {
        Self::Conflict { constraint: None, detail }
    }

    /// What is in the way, in words that fit what was tried, if it is this constraint.
    pub(crate) fn or_taken(
        mut self,
        is_it: impl FnOnce(Option<&str>) -> bool,
        words: impl FnOnce() -> String,
    ) -> Self {
        if let Self::Conflict { constraint, detail } = &mut self
            && is_it(constraint.as_deref())
        {
            *detail = words();
        }
        self
    }
}

impl From<Error> for mindflight_core::Error {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Unavailable(_) | Error::Timeout(_) => {
                Self::of(codes::DATABASE_UNAVAILABLE, text).wait(AWAY).because(error)
            }
            // Its text is for the operator.
            Error::Config(_) | Error::TooOld { .. } => {
                Self::of(codes::DATABASE_UNAVAILABLE, "the database cannot be used")
                    .wait(AWAY)
                    .because(error)
            }
            Error::Conflict { .. } => Self::conflict(text).because(error),
            Error::Nul(_) => Self::of(codes::INVALID_REQUEST, text),
            Error::Invalid(_) => Self::invalid(text),
            Error::TooLarge(_) => Self::too_large(text),
            Error::NotSupported(_) => Self::not_supported(text),
            Error::Diverged { .. }
            | Error::Edited(_)
            | Error::Migration { .. }
            | Error::Internal(_) => Self::internal(error),
        }
    }
}
