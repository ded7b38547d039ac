//! Which providers an operator switched on or off, against what the configuration says.

use std::collections::BTreeMap;

use mindflight_core::ports::Record;

use crate::db::{Db, commit};
use crate::{Error, Result, audit, text};

/// The switches of providers. Every change takes the record of it, and is written together with it.
#[derive(Clone)]
pub struct Providers(pub(crate) Db);

impl Providers {
    /// The switches that somebody has set, by the provider's name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn states(&self) -> Result<BTreeMap<String, bool>> {
        self.0.bounded(states(&self.0)).await
    }

    /// Switches a provider on or off, for every instance.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set(&self, name: &str, enabled: bool, record: &Record) -> Result<()> {
        text::check("name", name)?;
        self.0.bounded(set(&self.0, name, enabled, record)).await
    }
}

async fn states(db: &Db) -> Result<BTreeMap<String, bool>> {
    let found = sqlx::query!(
        r#"
        SELECT name, enabled
        FROM mindflight.provider_state
        "#,
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    Ok(found.into_iter().map(|row| (row.name, row.enabled)).collect())
}

async fn set(db: &Db, name: &str, enabled: bool, record: &Record) -> Result<()> {
    let mut tx = db.begin().await?;
    sqlx::query!(
        r#"
        INSERT INTO mindflight.provider_state (name, enabled, changed_at)
        VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE
        SET enabled = excluded.enabled, changed_at = excluded.changed_at
        "#,
        name,
        enabled,
        record.at,
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    audit::write(&mut tx, record).await?;
    commit(tx).await
}
