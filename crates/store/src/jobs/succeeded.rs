//! Ends attempts the way most of them end: they have succeeded, and nothing hangs on them.
//!
//! What [`completer`](super::completer) does for all ends, in statements that carry only what these need.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::claimer::small;
use super::completer::{End, Finished};
use crate::{Error, Result};

/// What one statement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    keeps_history: bool,
    attempt: i16,
}

/// Jobs of a group.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    results: Vec<&'a str>,
}

/// Those of a batch that have succeeded, and nothing hangs on.
pub(super) struct Succeeded<'a> {
    worker: i64,
    /// Mostly one: few jobs need a second attempt.
    groups: BTreeMap<Group, Columns<'a>>,
}

impl<'a> Succeeded<'a> {
    /// Takes them from a batch; the others are given as they are.
    pub(super) fn of(batch: &'a [Finished]) -> (Self, Vec<&'a Finished>) {
        let worker = batch.first().map_or(0, |finished| finished.lease.worker);
        let mut all = Self { worker, groups: BTreeMap::new() };
        let mut others = Vec::new();
        for finished in batch {
            let is_bare = !finished.is_tied && finished.cause.is_none();
            if let End::Succeeded(result) = &finished.end
                && is_bare
                && finished.lease.worker == worker
            {
                let attempt = small(finished.lease.attempt);
                let group = Group { keeps_history: finished.keeps_history, attempt };
                let columns = all.groups.entry(group).or_default();
                columns.ids.push(finished.lease.job.uuid());
                columns.results.push(result);
            } else {
                others.push(finished);
            }
        }
        (all, others)
    }

    pub(super) fn len(&self) -> usize {
        self.groups.values().map(|columns| columns.ids.len()).sum()
    }

    /// Ends them, and gives how many were: not those whose lease was lost, nor those whose end others wait for.
    pub(super) async fn write(&self, db: &mut PgConnection) -> Result<usize> {
        let mut count = 0;
        for (group, columns) in &self.groups {
            count += match group.keeps_history {
                true => keep(db, (self.worker, group.attempt), columns).await?,
                false => forget(db, (self.worker, group.attempt), &columns.ids).await?,
            };
        }
        Ok(count)
    }
}

async fn keep(
    db: &mut PgConnection,
    (worker, attempt): (i64, i16),
    columns: &Columns<'_>,
) -> Result<usize> {
    // Most kinds have nothing to say, or all the same: then it is sent once.
    let same = match &*columns.results {
        [first, others @ ..] if others.iter().all(|other| other == first) => Some(*first),
        _ => None,
    };
    let by_id = || {
        let results = columns.ids.iter().zip(&columns.results);
        Value::Object(results.map(|(id, result)| (id.to_string(), (*result).into())).collect())
    };
    let each = if same.is_some() { None } else { Some(by_id()) };
    let count = sqlx::query_file_scalar!(
        "queries/jobs/succeeded_kept.sql",
        worker,
        &columns.ids,
        attempt,
        each,
        same,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

async fn forget(
    db: &mut PgConnection,
    (worker, attempt): (i64, i16),
    ids: &[Uuid],
) -> Result<usize> {
    let oldest = ids.iter().min();
    let newest = ids.iter().max();
    let count = sqlx::query_file_scalar!(
        "queries/jobs/succeeded_forgotten.sql",
        worker,
        ids,
        attempt,
        oldest,
        newest,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(usize::try_from(count).unwrap_or_default())
}
