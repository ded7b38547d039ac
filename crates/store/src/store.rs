//! The front door: one pool, and a handle for each family of tables.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mindflight_core::ports::Clock;
use sqlx::postgres::PgPoolOptions;

use crate::db::Db;
use crate::migrations::{self, Migrated};
use crate::{
    AuditLog, Error, Events, JobViews, Jobs, Keys, Memory, Providers, Result, Settings, Tokens,
    Transactions, Users, admin,
};

/// The oldest major version of PostgreSQL that works.
pub const OLDEST: u32 = 15;

/// The database. Cheap to clone; all clones share one pool.
#[derive(Clone)]
pub struct Store {
    db: Db,
    settings: Arc<Settings>,
}

/// What the server says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerVersion {
    /// The part that decides what it can do.
    pub major: u32,
    /// The bug-fix release.
    pub minor: u32,
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Numbers that grow with every change of what instances cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    /// Users and keys.
    pub auth: i64,
    /// The switches of providers.
    pub providers: i64,
}

impl Store {
    /// The database that `settings` name. Connects when first asked; call it inside a runtime.
    ///
    /// # Errors
    /// [`Error::Config`] when the URL cannot be read.
    pub fn lazy(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(settings.acquire_timeout)
            .connect_lazy_with(settings.limited()?);
        Ok(Self {
            db: Db {
                pool,
                clock,
                limit: settings.acquire_timeout + settings.statement_timeout,
                statement_timeout: settings.statement_timeout,
            },
            settings: Arc::new(settings.clone()),
        })
    }

    /// How long the database takes to answer.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Timeout`] when it does not.
    pub async fn ping(&self) -> Result<Duration> {
        let started = Instant::now();
        self.db.bounded(ping(&self.db)).await?;
        Ok(started.elapsed())
    }

    /// The server's version.
    ///
    /// # Errors
    /// [`Error::TooOld`] below [`OLDEST`].
    pub async fn server_version(&self) -> Result<ServerVersion> {
        let found = self.db.bounded(server_version(&self.db)).await?;
        if found.major < OLDEST {
            return Err(Error::TooOld { found });
        }
        Ok(found)
    }

    /// Makes the database that `settings` name, over the database `postgres` of the same server.
    /// Whether it was missing.
    ///
    /// # Errors
    /// When the server does not answer, or the role may not make databases.
    pub async fn create_database_if_missing(settings: &Settings) -> Result<bool> {
        admin::create_if_missing(settings).await
    }

    /// Applies the migrations that are missing. Several instances may do so at once.
    ///
    /// # Errors
    /// [`Error::Migration`] names the one that failed; [`Error::Diverged`] and [`Error::Edited`] mean
    /// that the database is not this program's.
    pub async fn migrate(&self) -> Result<Migrated> {
        migrations::apply(&self.settings).await
    }

    /// The migrations that are missing.
    ///
    /// # Errors
    /// When the database does not answer or is not this program's.
    pub async fn pending(&self) -> Result<Vec<String>> {
        let work = async { migrations::pending(&mut *self.db.connection().await?).await };
        self.db.bounded(work).await
    }

    /// The numbers that grow with every change of what instances cache.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn versions(&self) -> Result<Versions> {
        self.db.bounded(versions(&self.db)).await
    }

    /// Users.
    #[must_use]
    pub fn users(&self) -> Users {
        Users(self.db.clone())
    }

    /// API keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys(self.db.clone())
    }

    /// Tokens that were ended early.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens(self.db.clone())
    }

    /// The switches of providers.
    #[must_use]
    pub fn providers(&self) -> Providers {
        Providers(self.db.clone())
    }

    /// The job queue.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs { db: self.db.clone(), settings: self.settings.clone() }
    }

    /// The event log.
    #[must_use]
    pub fn events(&self) -> Events {
        Events { db: self.db.clone(), settings: self.settings.clone() }
    }

    /// The audit log.
    #[must_use]
    pub fn audit(&self) -> AuditLog {
        AuditLog(self.db.clone())
    }

    /// Keys and values.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory(self.db.clone())
    }

    /// Jobs, queues, schedules and workers as people see them.
    #[must_use]
    pub fn job_views(&self) -> JobViews {
        JobViews(self.db.clone())
    }

    /// Transactions in which a call is closed.
    #[must_use]
    pub fn transactions(&self) -> Transactions {
        Transactions(self.db.clone())
    }

    /// Waits until every connection is given back, and closes them.
    pub async fn close(&self) {
        self.db.pool.close().await;
    }
}

async fn ping(db: &Db) -> Result<()> {
    sqlx::query!(
        r#"
        SELECT 1 AS one
        "#,
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(())
}

async fn server_version(db: &Db) -> Result<ServerVersion> {
    let number = sqlx::query_scalar!(
        r#"
        SELECT current_setting('server_version_num')::integer AS "number!"
        "#,
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)?
    .unsigned_abs();
    Ok(ServerVersion { major: number / 10_000, minor: number % 10_000 })
}

async fn versions(db: &Db) -> Result<Versions> {
    sqlx::query_as!(
        Versions,
        r#"
        SELECT auth_version AS auth, provider_version AS providers
        FROM mindflight.control
        "#,
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)
}
