//! A database for one test.

use std::sync::Arc;

use mindflight_core::ports::{Clock, SystemClock};
use mindflight_store::{Settings, Store};

use crate::maker::Maker;

/// A migrated database of this test alone; dropped with this value.
pub struct TestDb {
    name: String,
    url: String,
    store: Store,
    maker: &'static Maker,
}

impl TestDb {
    /// Makes the database; its store has the machine's clock.
    ///
    /// # Panics
    /// When there is no PostgreSQL, with what to do about it.
    pub async fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    /// Makes the database; its store has this clock.
    ///
    /// # Panics
    /// When there is no PostgreSQL, with what to do about it.
    pub async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let maker = Maker::of_this_process();
        let made = maker.create().await;
        let (name, url) = made.unwrap_or_else(|error| panic!("no test database: {error:#}"));
        let store = Store::lazy(&settings(&url), clock)
            .unwrap_or_else(|error| panic!("the test database's URL is wrong: {error}"));
        Self { name, url, store, maker }
    }

    /// What a server is given as `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store on this database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Settings for another store on this database.
    #[must_use]
    pub fn settings(&self) -> Settings {
        settings(&self.url)
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.maker.remove(&self.name, &self.url);
    }
}

fn settings(url: &str) -> Settings {
    Settings { max_connections: 4, instance: "mindflight-test".to_owned(), ..Settings::new(url) }
}
