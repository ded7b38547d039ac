//! One connection that a role of the job engine keeps to itself, so that nothing else can starve it.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use crate::{Error, Result, Settings};

/// A plan made while a queue was empty is ruinous once it is full, and the other way round; these leave the
/// planner only the plans that are right for both.
const PLANNING: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("jit", "off"),
];

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commit {
    /// Once it is on disk.
    Durable,
    /// Once the server knows it. What a crash of the server may forget has to be repeatable.
    Fast,
}

/// One connection, opened when first needed and again after it broke.
pub(crate) struct Session {
    options: PgConnectOptions,
    settings: Settings,
    connection: Option<PgConnection>,
}

impl Session {
    /// The connection of `role`, which the server's list of connections shows behind the instance's name.
    pub(crate) fn new(settings: &Settings, role: &str, commit: Commit) -> Result<Self> {
        let options = settings
            .limited_direct()?
            .application_name(&format!("{}-{role}", settings.instance))
            .options(PLANNING.iter().copied())
            .options((commit == Commit::Fast).then_some(("synchronous_commit", "off")))
            // As many statements as a role has, and room to spare.
            .statement_cache_capacity(64);
        Ok(Self { options, settings: settings.clone(), connection: None })
    }

    /// Does `work` on the connection, within the time-out of a statement.
    pub(crate) async fn run<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        self.run_for(self.limit(), work).await
    }

    /// The same for work that sets a time-out of its own.
    pub(crate) async fn run_for<T>(
        &mut self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.settings.connect_direct(&self.options).await?,
        };
        let done = within(limit, work(&mut connection)).await;
        // One that broke, or may have, or whose answer may still come, is dropped; so is one whose user went away.
        let is_kept = match &done {
            Ok(_) => true,
            Err(Error::Unavailable(_) | Error::Timeout(_) | Error::Internal(_)) => false,
            // What it had begun would be rolled back only with the next use, and lock others out until then.
            Err(_) => {
                let rolled_back = async { connection.ping().await.map_err(Error::of) };
                within(limit, rolled_back).await.is_ok()
            }
        };
        self.connection = is_kept.then_some(connection);
        done
    }

    /// A server that is frozen does not keep its own limits.
    fn limit(&self) -> Duration {
        self.settings.statement_timeout + Duration::from_secs(1)
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    let done = tokio::time::timeout(limit, work).await;
    done.unwrap_or_else(|elapsed| Err(Error::Timeout(elapsed.into())))
}
