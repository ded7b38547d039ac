//! Groups of failures.

use chrono::{DateTime, Utc};
use mindflight_api::error_group::{ErrorGroup, Fingerprint};

use crate::db::{Db, rows};
use crate::{Error, Result};

/// Which groups. What is empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFilter {
    /// Of this kind.
    pub kind: Option<String>,
    /// Seen at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only what was seen before this one was, at that time.
    pub after: Option<(DateTime<Utc>, Fingerprint)>,
}

/// The groups that fit, those seen last first.
pub(super) async fn list(db: &Db, filter: &ErrorFilter, limit: u32) -> Result<Vec<ErrorGroup>> {
    let (seen, fingerprint) = filter.after.unzip();
    let found = sqlx::query!(
        r#"
        SELECT error_group.fingerprint, kind.name AS kind, error_group.code, error_group.pattern,
            error_group.attempts, error_group.jobs, error_group.first_at, error_group.last_at, error_group.last_job
        FROM mindflight.error_group
        JOIN mindflight.kind ON kind.id = error_group.kind
        WHERE ($1::text IS NULL OR kind.name = $1)
            AND ($2::timestamptz IS NULL OR error_group.last_at >= $2)
            AND ($3::timestamptz IS NULL OR (error_group.last_at, error_group.fingerprint) < ($3, $4::bigint))
        ORDER BY error_group.last_at DESC, error_group.fingerprint DESC
        LIMIT $5
        "#,
        filter.kind,
        filter.since,
        seen,
        fingerprint.map(Fingerprint::number),
        rows(limit),
    )
    .fetch_all(&db.pool)
    .await
    .map_err(Error::of)?;
    let group = found.into_iter().map(|row| ErrorGroup {
        fingerprint: row.fingerprint.into(),
        kind: row.kind,
        code: row.code,
        pattern: row.pattern,
        attempts: row.attempts.unsigned_abs(),
        jobs: row.jobs.unsigned_abs(),
        first_at: row.first_at,
        last_at: row.last_at,
        last_job: row.last_job.into(),
    });
    Ok(group.collect())
}
