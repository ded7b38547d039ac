//! Unique keys that are held until a time, once it is over.

use sqlx::PgConnection;

use super::keeper::Keeper;
use crate::{Error, Result};

/// Keys that are removed at a time.
const SWEEP: i64 = 5000;

impl Keeper {
    /// Removes keys whose time is over: whoever wants one takes it over anyway, so it only makes room.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep_keys(&mut self) -> Result<u64> {
        self.0
            .run(async |db| {
                let mut swept = 0;
                loop {
                    let keys = sweep(db).await?;
                    swept += keys;
                    if keys < SWEEP.unsigned_abs() {
                        return Ok(swept);
                    }
                }
            })
            .await
    }
}

async fn sweep(db: &mut PgConnection) -> Result<u64> {
    let swept = sqlx::query!(
        r#"
        DELETE FROM mindflight.unique_key
        WHERE key = ANY (ARRAY(
            SELECT key
            FROM mindflight.unique_key
            WHERE expires_at <= clock_timestamp()
            ORDER BY expires_at
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        ))
        "#,
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(swept.rows_affected())
}
