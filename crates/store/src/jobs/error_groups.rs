//! Failures, counted by their fingerprint: once for each batch of ends.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use mindflight_api::job::JobError;
use mindflight_core::policy::{error_pattern, fingerprint};
use sqlx::PgConnection;
use uuid::Uuid;

use super::keeper::Keeper;
use crate::{Error, Result};

/// Groups that are kept at most.
const MOST_GROUPS: i64 = 10_000;

/// Groups that are removed at a time.
const SWEEP: i64 = 1000;

/// A failed attempt.
#[derive(Clone, Copy)]
pub(super) struct Failure<'a> {
    pub(super) job: Uuid,
    pub(super) kind: i32,
    pub(super) error: &'a JobError,
    /// Whether the job has failed with it.
    pub(super) is_last: bool,
}

/// What is the same in all failures of one group.
pub(super) fn fingerprint_of(kind: i32, error: &JobError) -> i64 {
    fingerprint(kind, &error.code, &error_pattern(&error.detail))
}

struct Group<'a> {
    fingerprint: i64,
    kind: i32,
    code: &'a str,
    pattern: String,
    attempts: i64,
    jobs: i64,
    last_job: Uuid,
}

/// Counts failures. The last statement of a transaction, because groups are shared by all who end attempts; in the
/// order of fingerprints, so that two of them do not wait for each other.
pub(super) async fn count(
    db: &mut PgConnection,
    failures: impl Iterator<Item = Failure<'_>>,
) -> Result<()> {
    let mut groups: Vec<Group<'_>> = grouped(failures).into_values().collect();
    if groups.is_empty() {
        return Ok(());
    }
    groups.sort_unstable_by_key(|group| group.fingerprint);
    let column = |of: fn(&Group<'_>) -> i64| groups.iter().map(of).collect::<Vec<i64>>();
    sqlx::query!(
        r#"
        INSERT INTO mindflight.error_group (fingerprint, kind, code, pattern, attempts, jobs, last_job)
        SELECT fingerprint, kind, code, pattern, attempts, jobs, last_job
        FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::uuid[])
            AS given (fingerprint, kind, code, pattern, attempts, jobs, last_job)
        ORDER BY fingerprint
        ON CONFLICT (fingerprint) DO UPDATE
        SET attempts = error_group.attempts + excluded.attempts,
            jobs = error_group.jobs + excluded.jobs,
            last_at = clock_timestamp(),
            last_job = excluded.last_job
        "#,
        &column(|group| group.fingerprint),
        &groups.iter().map(|group| group.kind).collect::<Vec<i32>>(),
        &groups.iter().map(|group| group.code.to_owned()).collect::<Vec<String>>(),
        &groups.iter().map(|group| group.pattern.clone()).collect::<Vec<String>>(),
        &column(|group| group.attempts),
        &column(|group| group.jobs),
        &groups.iter().map(|group| group.last_job).collect::<Vec<Uuid>>(),
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(())
}

fn grouped<'a>(failures: impl Iterator<Item = Failure<'a>>) -> HashMap<i64, Group<'a>> {
    let mut groups: HashMap<i64, Group<'a>> = HashMap::new();
    // Most failures of a batch say the same, word for word.
    let mut known: HashMap<(i32, &str, &str), i64> = HashMap::new();
    for Failure { job, kind, error, is_last } in failures {
        let key = (kind, error.code.as_str(), error.detail.as_str());
        let fingerprint = *known.entry(key).or_insert_with(|| {
            let pattern = error_pattern(&error.detail);
            let fingerprint = fingerprint(kind, &error.code, &pattern);
            groups.entry(fingerprint).or_insert_with(|| Group {
                fingerprint,
                kind,
                code: &error.code,
                pattern,
                attempts: 0,
                jobs: 0,
                last_job: job,
            });
            fingerprint
        });
        if let Some(group) = groups.get_mut(&fingerprint) {
            group.attempts += 1;
            group.jobs += i64::from(is_last);
            group.last_job = job;
        }
    }
    groups
}

impl Keeper {
    /// Removes groups that were not seen since `keep_since`, and the oldest of those that are too many; some at a
    /// time. How many were removed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_errors(&mut self, keep_since: DateTime<Utc>) -> Result<u64> {
        self.0.run(async |db| forget(db, keep_since).await).await
    }
}

async fn forget(db: &mut PgConnection, keep_since: DateTime<Utc>) -> Result<u64> {
    // Whoever counts in one of them just now makes it new: it stays.
    let gone = sqlx::query!(
        r#"
        DELETE FROM mindflight.error_group
        WHERE fingerprint = ANY (ARRAY(
            SELECT fingerprint
            FROM mindflight.error_group
            WHERE (last_at, fingerprint) <= (
                    SELECT last_at, fingerprint
                    FROM mindflight.error_group
                    ORDER BY last_at DESC, fingerprint DESC
                    OFFSET $2
                    LIMIT 1
                )
                OR last_at < $1
            ORDER BY last_at, fingerprint
            LIMIT $3
            FOR UPDATE SKIP LOCKED
        ))
        "#,
        keep_since,
        MOST_GROUPS,
        SWEEP,
    )
    .execute(db)
    .await
    .map_err(Error::of)?;
    Ok(gone.rows_affected())
}

#[cfg(test)]
mod tests {
    use mindflight_api::codes;

    use super::*;

    fn error(detail: &str) -> JobError {
        let code = codes::UPSTREAM;
        JobError {
            code: code.name.to_owned(),
            detail: detail.to_owned(),
            fault: code.fault,
            retry: code.retry,
            fix: None,
        }
    }

    #[test]
    fn failures_of_a_batch_are_counted_by_what_they_have_in_common() {
        let errors = [error("no row 1"), error("no row 2"), error("no row 1"), error("it is late")];
        let jobs = [1, 2, 3, 4].map(Uuid::from_u128);
        let failures = errors.iter().zip(jobs).map(|(error, job)| Failure {
            job,
            kind: 7,
            error,
            is_last: job != jobs[0],
        });
        let groups = grouped(failures);
        assert_eq!(groups.len(), 2);
        let rows = &groups[&fingerprint_of(7, &error("no row 999"))];
        assert_eq!((rows.attempts, rows.jobs, rows.last_job), (3, 2, jobs[2]));
        assert_eq!((rows.pattern.as_str(), rows.code), ("no row <number>", "upstream_error"));
    }
}
