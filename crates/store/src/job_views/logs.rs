//! What handlers have logged.

use mindflight_api::JobId;
use mindflight_api::job::LogLine;

use super::rows::number;
use crate::db::{Db, rows};
use crate::{Error, Result};

pub(super) async fn list(
    db: &Db,
    id: JobId,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, LogLine)>> {
    let found = sqlx::query!(
        r#"
        SELECT number, attempt, at, line
        FROM mindflight.log_line
        WHERE job = $1
            AND number > $2
        ORDER BY number
        LIMIT $3
        "#,
        id.uuid(),
        after.unwrap_or_default(),
        rows(limit),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let line = found.into_iter().map(|row| {
        (row.number, LogLine { attempt: number(row.attempt), at: row.at, line: row.line })
    });
    Ok(line.collect())
}
