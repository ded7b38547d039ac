//! Asks the database whether it answers, and whether its schema is up to date.

use std::time::Duration;

use async_trait::async_trait;
use mindflight_api::health::Status;
use mindflight_store::{Error, Store};

use super::reading::Reading;

/// What health asks a database.
#[async_trait]
pub(crate) trait Database: Send + Sync {
    /// How long it takes to answer.
    async fn ping(&self) -> Result<Duration, Error>;
    /// The migrations that are missing.
    async fn pending(&self) -> Result<Vec<String>, Error>;
}

#[async_trait]
impl Database for Store {
    async fn ping(&self) -> Result<Duration, Error> {
        Self::ping(self).await
    }

    async fn pending(&self) -> Result<Vec<String>, Error> {
        Self::pending(self).await
    }
}

/// What the database said, as far as it did.
pub(super) struct Seen {
    pub(super) reading: Reading,
    pub(super) pending: Option<Vec<String>>,
}

/// Asks, with a time-out for all of it. The migrations are asked for until none is missing.
pub(super) async fn ask(database: &dyn Database, limit: Duration, settled: bool) -> Seen {
    let away =
        |detail: String| Seen { reading: Reading::new(Status::Unhealthy, detail), pending: None };
    let work = async {
        let latency = database.ping().await?;
        let pending = if settled { None } else { Some(database.pending().await?) };
        Ok::<_, Error>((latency, pending))
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok((latency, pending))) => {
            metrics::histogram!("mindflight_database_ping_duration_seconds")
                .record(latency.as_secs_f64());
            Seen { reading: Reading::healthy(Some(latency)), pending }
        }
        Ok(Err(error)) => away(error.to_string()),
        Err(_) => away(format!("the database did not answer within {} s", limit.as_secs_f64())),
    }
}
