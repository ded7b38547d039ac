//! Making and dropping databases: for the private cluster and for tests, never for a server's requests.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{Error, Result, Settings};

/// How often, and how long apart, to look whether a connection is gone.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// One connection to a server that may make databases. What it locks is free when it is dropped.
pub struct Admin(PgConnection);

/// A database of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Whether it is sealed as a template.
    pub is_template: bool,
    /// How many are connected to it.
    pub connections: i64,
}

impl Admin {
    /// Connects; gives up after `acquire_timeout`.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        Self::open(settings, &settings.unlimited()?).await
    }

    async fn open(settings: &Settings, options: &PgConnectOptions) -> Result<Self> {
        settings.connect(options).await.map(Self)
    }

    /// Makes a database, as a copy of `template` if one is given.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one of that name.
    pub async fn create_database(&mut self, name: &str, template: Option<&str>) -> Result<()> {
        // The server itself quotes the names.
        let statement = sqlx::query_scalar!(
            r#"
            SELECT CASE
                WHEN $2::text IS NULL THEN format('CREATE DATABASE %I TEMPLATE template0 ENCODING ''UTF8''', $1::text)
                ELSE format('CREATE DATABASE %I TEMPLATE %I STRATEGY file_copy', $1::text, $2)
            END AS "statement!"
            "#,
            name,
            template,
        )
        .fetch_one(&mut self.0)
        .await
        .map_err(Error::of)?;
        self.execute(statement).await.map_err(|error| {
            error.or_taken(|_| true, || format!("there is a database \"{name}\" already"))
        })
    }

    /// Drops a database, whoever is connected to it; nothing if there is none.
    ///
    /// # Errors
    /// When it is sealed.
    pub async fn drop_database(&mut self, name: &str) -> Result<()> {
        self.disconnect(name).await?;
        let statement = sqlx::query_scalar!(
            r#"
            SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', $1::text) AS "statement!"
            "#,
            name,
        )
        .fetch_one(&mut self.0)
        .await
        .map_err(Error::of)?;
        self.execute(statement).await
    }

    /// Ends all connections to a database. Dropping does it too, but looks only ten times a second
    /// whether they are gone.
    async fn disconnect(&mut self, name: &str) -> Result<()> {
        for _ in 0..LOOKS {
            let left = sqlx::query_scalar!(
                r#"
                SELECT count(pg_terminate_backend(pid)) AS "left!"
                FROM pg_stat_activity
                WHERE datname = $1
                "#,
                name,
            )
            .fetch_one(&mut self.0)
            .await
            .map_err(Error::of)?;
            if left == 0 {
                break;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Makes a database a template: nobody can connect to it or drop it any more.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn seal_database(&mut self, name: &str) -> Result<()> {
        let statement = sqlx::query_scalar!(
            r#"
            SELECT format('ALTER DATABASE %I IS_TEMPLATE true ALLOW_CONNECTIONS false', $1::text) AS "statement!"
            "#,
            name,
        )
        .fetch_one(&mut self.0)
        .await
        .map_err(Error::of)?;
        self.execute(statement).await
    }

    /// The databases of the server.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn databases(&mut self) -> Result<Vec<Database>> {
        sqlx::query_as!(
            Database,
            r#"
            SELECT datname::text AS "name!", datistemplate AS is_template,
                (
                    SELECT count(*)
                    FROM pg_stat_activity
                    WHERE pg_stat_activity.datid = pg_database.oid
                ) AS "connections!"
            FROM pg_database
            ORDER BY datname
            "#,
        )
        .fetch_all(&mut self.0)
        .await
        .map_err(Error::of)
    }

    /// Whether somebody is connected under this name (`application_name`).
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn is_connected(&mut self, instance: &str) -> Result<bool> {
        sqlx::query_scalar!(
            r#"
            SELECT EXISTS (
                SELECT
                FROM pg_stat_activity
                WHERE application_name = $1
            ) AS "there!"
            "#,
            instance,
        )
        .fetch_one(&mut self.0)
        .await
        .map_err(Error::of)
    }

    /// Waits until nobody else holds this lock of the database, and holds it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn lock(&mut self, number: i64) -> Result<()> {
        sqlx::query!(
            r#"
            SELECT pg_advisory_lock($1)
            "#,
            number,
        )
        .execute(&mut self.0)
        .await
        .map_err(Error::of)?;
        Ok(())
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn unlock(&mut self, number: i64) -> Result<()> {
        sqlx::query!(
            r#"
            SELECT pg_advisory_unlock($1)
            "#,
            number,
        )
        .fetch_one(&mut self.0)
        .await
        .map_err(Error::of)?;
        Ok(())
    }

    /// Runs a text of the program's own, outside any transaction.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn run(&mut self, script: &'static str) -> Result<()> {
        sqlx::raw_sql(script).execute(&mut self.0).await.map_err(Error::of)?;
        Ok(())
    }

    /// A statement that the server itself has put together.
    async fn execute(&mut self, statement: String) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.0).await.map_err(Error::of)?;
        Ok(())
    }
}

/// The URL with the name of another database; its query and all else stay.
#[must_use]
pub fn url_of_database(url: &str, name: &str) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, format!("?{query}")),
        None => (url, String::new()),
    };
    let start = address.find("://").map_or(0, |at| at + "://".len());
    let server = match address[start..].find('/') {
        Some(at) => &address[..start + at],
        None => address,
    };
    format!("{server}/{name}{query}")
}

/// Makes the database of `settings` if there is none; whether it was missing.
pub(crate) async fn create_if_missing(settings: &Settings) -> Result<bool> {
    let options = settings.unlimited()?;
    let Some(name) = options.get_database().map(str::to_owned) else {
        return Err(Error::Config(
            "DATABASE_URL names no database; write it after the host: postgres://host/mindflight"
                .to_owned(),
        ));
    };
    let mut admin = Admin::open(settings, &options.database("postgres")).await?;
    if admin.databases().await?.iter().any(|database| database.name == name) {
        return Ok(false);
    }
    match admin.create_database(&name, None).await {
        // Somebody was faster.
        Err(Error::Conflict { .. }) => Ok(false),
        done => done.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_of_the_database_changes() {
        for (url, other) in [
            ("postgres://h/a", "postgres://h/b"),
            ("postgres://h", "postgres://h/b"),
            ("postgres://u:p@h:5/a?sslmode=disable", "postgres://u:p@h:5/b?sslmode=disable"),
            ("postgres://u@%2Ftmp%2Fs:5432/a", "postgres://u@%2Ftmp%2Fs:5432/b"),
            ("postgres:///a?host=/tmp", "postgres:///b?host=/tmp"),
        ] {
            assert_eq!(url_of_database(url, "b"), other);
        }
    }
}
