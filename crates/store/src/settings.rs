//! How to reach the database, and how long to wait for it.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};

use crate::address::options;
use crate::{Error, Result};

/// How to reach the database, and how long to wait for it.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://user:password@host:5432/database`, or a Unix socket's folder, percent-encoded, as the host.
    pub url: String,
    /// The same database without a pooler before it, if `url` has one: for what needs a session of its own.
    pub direct_url: Option<String>,
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
            direct_url: None,
            max_connections: 10,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(5),
            instance: "mindflight".to_owned(),
        }
    }

    /// Where an address comes from, for errors, and the address.
    fn direct(&self) -> (&'static str, &str) {
        match &self.direct_url {
            Some(url) => ("DATABASE_DIRECT_URL", url),
            None => ("DATABASE_URL", &self.url),
        }
    }

    /// Options without a limit for statements.
    pub(crate) fn unlimited(&self) -> Result<PgConnectOptions> {
        Ok(options("DATABASE_URL", &self.url)?.application_name(&self.instance))
    }

    /// The same for a session of its own, past a pooler.
    pub(crate) fn unlimited_direct(&self) -> Result<PgConnectOptions> {
        let (variable, url) = self.direct();
        Ok(options(variable, url)?.application_name(&self.instance))
    }

    /// A connection of its own, without a limit for statements.
    pub(crate) async fn connect(&self, options: &PgConnectOptions) -> Result<PgConnection> {
        tokio::time::timeout(self.acquire_timeout, options.connect())
            .await
            .map_err(|elapsed| Error::Unavailable(elapsed.into()))?
            .map_err(Error::of)
    }

    /// A session of its own, past a pooler.
    pub(crate) async fn connect_direct(&self, options: &PgConnectOptions) -> Result<PgConnection> {
        let (variable, _) = self.direct();
        self.connect(options).await.map_err(|error| error.about(variable))
    }

    /// Options of the pool's connections.
    pub(crate) fn limited(&self) -> Result<PgConnectOptions> {
        Ok(self.limit(self.unlimited()?))
    }

    /// The same for a session of its own, past a pooler.
    pub(crate) fn limited_direct(&self) -> Result<PgConnectOptions> {
        Ok(self.limit(self.unlimited_direct()?))
    }

    fn limit(&self, options: PgConnectOptions) -> PgConnectOptions {
        let limit = self.statement_timeout.as_millis().to_string();
        // Compiling a plan takes longer than any of ours runs.
        options.options([("statement_timeout", limit.as_str()), ("jit", "off")])
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &"[redacted]")
            .field("direct_url", &self.direct_url.as_ref().map(|_| "[redacted]"))
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

            let direct = Some(url.to_owned());
            let settings = Settings { direct_url: direct, ..Settings::new("postgres://u@h/d") };
            let error = settings.limited_direct().unwrap_err().to_string();
            assert!(error.contains("DATABASE_DIRECT_URL"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
            assert!(settings.limited().is_ok());
        }
    }

    #[test]
    fn printing_the_settings_hides_the_password() {
        let url = "postgres://u:hunter2@h/d";
        let text =
            format!("{:?}", Settings { direct_url: Some(url.to_owned()), ..Settings::new(url) });
        assert!(!text.contains("hunter2") && text.contains("acquire_timeout"), "{text}");
    }
}
