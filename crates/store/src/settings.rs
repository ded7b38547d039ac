//! How to reach the database, and how long to wait for it.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use crate::{Error, Result};

/// How to reach the database, and how long to wait for it.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://user:password@host:5432/database`, or a Unix socket's folder, percent-encoded, as the host.
    pub url: String,
    /// Most connections of this process's pool.
    pub max_connections: u32,
    /// How long to wait for a connection, new or of the pool.
    pub acquire_timeout: Duration,
    /// How long one statement may take.
    pub statement_timeout: Duration,
    /// What the server's list of connections calls this process: `mindflight-<role>`.
    pub instance: String,
}

impl Settings {
    /// The defaults: 10 connections, 5 s for a connection, 5 s for a statement.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            instance: "mindflight".to_owned(),
        }
    }

    /// Options without a limit for statements.
    pub(crate) fn unlimited(&self) -> Result<PgConnectOptions> {
        let known = ["postgres://", "postgresql://"];
        if !known.iter().any(|scheme| self.url.starts_with(scheme)) {
            // The URL itself is not repeated: it may hold a password.
            return Err(Error::Config(
                "DATABASE_URL has to begin with postgres:// or postgresql://".to_owned(),
            ));
        }
        let options = PgConnectOptions::from_str(&self.url)
            .map_err(|error| Error::Config(format!("DATABASE_URL cannot be read: {error}")))?;
        Ok(options.application_name(&self.instance))
    }

    /// A connection of its own, without a limit for statements.
    pub(crate) async fn connect(&self, options: &PgConnectOptions) -> Result<PgConnection> {
        tokio::time::timeout(self.acquire_timeout, options.connect())
            .await
            .map_err(|elapsed| Error::Unavailable(elapsed.into()))?
            .map_err(Error::of)
    }

    /// Options of the pool's connections.
    pub(crate) fn limited(&self) -> Result<PgConnectOptions> {
        let limit = self.statement_timeout.as_millis().to_string();
        // Compiling a plan takes longer than any of ours runs.
        Ok(self.unlimited()?.options([("statement_timeout", limit.as_str()), ("jit", "off")]))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &"[redacted]")
            .field("max_connections", &self.max_connections)
            .field("acquire_timeout", &self.acquire_timeout)
            .field("statement_timeout", &self.statement_timeout)
            .field("instance", &self.instance)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_is_named_by_its_variable_and_never_shown() {
        for url in ["mysql://u:hunter2@h/d", "u:hunter2@h", "postgres://u:hunter2@h:port/d", ""] {
            let error = Settings::new(url).limited().unwrap_err().to_string();
            assert!(error.contains("DATABASE_URL"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn printing_the_settings_hides_the_password() {
        let text = format!("{:?}", Settings::new("postgres://u:hunter2@h/d"));
        assert!(!text.contains("hunter2") && text.contains("acquire_timeout"), "{text}");
    }
}
