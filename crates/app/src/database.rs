//! Which database a command works with: the configured one, or the private cluster of the data folder.

use std::path::Path;

use mindflight_cli::Failure;
use mindflight_embedded_postgres::{Cluster, Error as ClusterError, Options};
use mindflight_server::config::{Config, Loaded};
use mindflight_server::offline::Offline;
use secrecy::SecretString;
use serde_json::Value;

use crate::{config, failures};

/// The application's database within a private cluster.
const NAME: &str = "mindflight";

/// A database to work with. A private cluster that this process started ends with it.
pub(crate) struct Database {
    pub(crate) config: Config,
    cluster: Option<Cluster>,
}

impl Database {
    /// The configured database, or the private cluster of the data folder: started here, or joined
    /// if a server of this machine runs it.
    pub(crate) fn open(loaded: &Loaded) -> Result<Self, Failure> {
        if loaded.config.database.url.is_some() {
            return Ok(Self { config: loaded.config.clone(), cluster: None });
        }
        let dir = config::data_dir(loaded);
        match Self::private(loaded.config.clone(), &dir) {
            Err(PrivateError::Cluster(ClusterError::Busy { .. })) if running(&dir).is_some() => {
                let url = running(&dir).unwrap_or_default();
                Ok(Self { config: with_url(loaded.config.clone(), url), cluster: None })
            }
            other => other.map_err(|error| error.failure()),
        }
    }

    /// The private cluster of the data folder, started here.
    pub(crate) fn private(config: Config, dir: &Path) -> Result<Self, PrivateError> {
        let cluster =
            Cluster::open(&Options::from_env(dir.to_path_buf())).map_err(PrivateError::Cluster)?;
        let config = with_url(config, cluster.url(NAME));
        let created = Offline::new(&config).create_database();
        created.map_err(|error| PrivateError::Other(failures::of_offline(&error)))?;
        Ok(Self { config, cluster: Some(cluster) })
    }

    /// The address of the private cluster's database, if this process started one.
    pub(crate) fn private_url(&self) -> Option<String> {
        self.cluster.as_ref().map(|cluster| cluster.url(NAME))
    }

    /// What can be done on it without a server.
    pub(crate) const fn offline(&self) -> Offline<'_> {
        Offline::new(&self.config)
    }

    /// Ends the private cluster, if this process started one.
    pub(crate) fn close(self) -> Result<(), Failure> {
        self.cluster.map_or(Ok(()), Cluster::stop).map_err(|error| failures::of_cluster(&error))
    }
}

/// Why there is no private cluster.
pub(crate) enum PrivateError {
    /// It could not be opened.
    Cluster(ClusterError),
    /// Something after that.
    Other(Failure),
}

impl PrivateError {
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Cluster(error) => failures::of_cluster(&error),
            Self::Other(failure) => failure,
        }
    }
}

fn with_url(mut config: Config, url: String) -> Config {
    config.database.url = Some(SecretString::from(url));
    config.database.direct_url = None;
    config
}

/// The database of the server that uses this folder now, as its `server.json` says.
fn running(dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("server.json")).ok()?;
    let facts: Value = serde_json::from_str(&text).ok()?;
    facts["database"].as_str().map(str::to_owned)
}
