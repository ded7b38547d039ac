//! Tokens that were ended early. One that is not here is good until its own end.

use chrono::{DateTime, Utc};
use mindflight_core::ports::Record;

use crate::db::{Db, commit};
use crate::{Error, Result, audit, text};

/// Tokens that were ended early, by their own names (`jti`).
#[derive(Clone)]
pub struct Tokens(pub(crate) Db);

impl Tokens {
    /// Ends a token that would be good until `expires_at`; again, it changes nothing but the record.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke(
        &self,
        jti: &str,
        expires_at: DateTime<Utc>,
        record: &Record,
    ) -> Result<()> {
        text::check("jti", jti)?;
        self.0.bounded(revoke(&self.0, jti, expires_at, record)).await
    }

    /// Whether the token was ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_revoked(&self, jti: &str) -> Result<bool> {
        text::check("jti", jti)?;
        self.0.bounded(is_revoked(&self.0, jti)).await
    }
}

async fn revoke(db: &Db, jti: &str, expires_at: DateTime<Utc>, record: &Record) -> Result<()> {
    let mut tx = db.begin().await?;
    // Each sign-out sweeps a few that are past their end, so nobody else has to.
    sqlx::query!(
        r#"
        DELETE FROM mindflight.revoked_tokens
        WHERE jti IN (
            SELECT jti
            FROM mindflight.revoked_tokens
            WHERE expires_at < $1
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        )
        "#,
        record.at,
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    sqlx::query!(
        r#"
        INSERT INTO mindflight.revoked_tokens (jti, expires_at)
        VALUES ($1, $2)
        ON CONFLICT (jti) DO NOTHING
        "#,
        jti,
        expires_at,
    )
    .execute(&mut *tx)
    .await
    .map_err(Error::of)?;
    audit::write(&mut tx, record).await?;
    commit(tx).await
}

async fn is_revoked(db: &Db, jti: &str) -> Result<bool> {
    sqlx::query_scalar!(
        r#"
        SELECT EXISTS (
            SELECT
            FROM mindflight.revoked_tokens
            WHERE jti = $1
        ) AS "there!"
        "#,
        jti,
    )
    .fetch_one(&db.pool)
    .await
    .map_err(Error::of)
}
