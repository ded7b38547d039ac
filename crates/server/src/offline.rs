//! What is done on the database without a server: create it, migrate it, make the first key and user.

use std::sync::Arc;

use mindflight_api::access::{CreatedKey, User};
use mindflight_api::{Problem, RequestId, Role, codes};
use mindflight_core::ports::SystemClock;
use mindflight_core::{Error, Result};
use mindflight_store::Store;

use crate::auth::{self, NewKey};
use crate::config::Config;
use crate::database::settings;

/// The database that a configuration names. Each act connects, does its work and leaves.
pub struct Offline<'a> {
    config: &'a Config,
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.detail())]
pub struct OfflineError(#[source] Error);

impl OfflineError {
    /// The same as a problem object, for the command line.
    #[must_use]
    pub fn problem(&self) -> Problem {
        problem(&self.0)
    }
}

impl<'a> Offline<'a> {
    /// The database that `config` names.
    #[must_use]
    pub const fn new(config: &'a Config) -> Self {
        Self { config }
    }

    /// Creates the database if its server has none of that name.
    ///
    /// # Errors
    /// When the database server cannot be reached or refuses.
    pub fn create_database(&self) -> Result<(), OfflineError> {
        let settings = settings(self.config);
        run(async { Store::create_database_if_missing(&settings).await.map(drop).map_err(away) })
    }

    /// Brings the schema up to date; gives the names of what was applied.
    ///
    /// # Errors
    /// When the database cannot be reached, or has a schema that this program cannot bring further.
    pub fn migrate(&self) -> Result<Vec<String>, OfflineError> {
        self.on_store(async |_, applied| Ok(applied))
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// What is wrong with the key, or with the database.
    pub fn create_key(&self, new: NewKey) -> Result<CreatedKey, OfflineError> {
        self.on_store(async |store, _| auth::create_key(&store, new).await)
    }

    /// Makes a user.
    ///
    /// # Errors
    /// What is wrong with the user, or with the database.
    pub fn create_user(
        &self,
        username: &str,
        password: &str,
        role: Role,
    ) -> Result<User, OfflineError> {
        self.on_store(async |store, _| auth::create_user(&store, username, password, role).await)
    }

    fn on_store<T>(
        &self,
        work: impl AsyncFnOnce(Store, Vec<String>) -> Result<T>,
    ) -> Result<T, OfflineError> {
        run(async {
            let store = Store::lazy(&settings(self.config), Arc::new(SystemClock)).map_err(away)?;
            let applied = store.migrate().await.map_err(away)?.applied;
            let result = work(store.clone(), applied).await;
            store.close().await;
            result
        })
    }
}

/// Whatever stops us here, the operator has to look at the database.
fn away(error: mindflight_store::Error) -> Error {
    unavailable(error.to_string()).because(error)
}

/// The error of a database that cannot be worked with.
pub(crate) fn unavailable(text: String) -> Error {
    Error::of(codes::DATABASE_UNAVAILABLE, text).fix("Start the database, or correct DATABASE_URL.")
}

/// A problem object without a request to name.
pub(crate) fn problem(error: &Error) -> Problem {
    let none = String::new();
    Problem { instance: none.clone(), request_id: none, ..error.problem(RequestId::new()) }
}

/// Runs a future to its end on this thread.
fn run<T>(work: impl Future<Output = Result<T>>) -> Result<T, OfflineError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| OfflineError(Error::internal(error)))?;
    runtime.block_on(work).map_err(OfflineError)
}
