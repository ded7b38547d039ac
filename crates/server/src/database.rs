//! What the configuration says about the database, as the store takes it.

use mindflight_store::Settings;
use secrecy::ExposeSecret;

use crate::config::Config;

/// The store's settings.
pub(crate) fn settings(config: &Config) -> Settings {
    let database = &config.database;
    Settings {
        url: database.url.as_ref().map(|url| url.expose_secret().to_owned()).unwrap_or_default(),
        direct_url: database.direct_url.as_ref().map(|url| url.expose_secret().to_owned()),
        max_connections: database.max_connections,
        acquire_timeout: database.acquire_timeout.0,
        statement_timeout: database.statement_timeout.0,
        instance: "mindflight".to_owned(),
    }
}
