//! Ends attempts the way most of them end: they have succeeded, and nothing hangs on them.
//!
//! What [`completer`](super::completer) does for all ends, in statements that carry only what these need.

use sqlx::PgConnection;
use uuid::Uuid;

use super::claimer::small;
use super::completer::{End, Finished};
use crate::{Error, Result};

/// Attempts of one worker that have succeeded, as columns.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<Uuid>,
    attempts: Vec<i16>,
    results: Vec<&'a str>,
}

/// Those of a batch that have succeeded, and nothing hangs on.
pub(super) struct Succeeded<'a> {
    worker: i64,
    kept: Columns<'a>,
    forgotten: Columns<'a>,
}

impl<'a> Succeeded<'a> {
    /// Takes them from a batch; the others are given as they are.
    pub(super) fn of(batch: &'a [Finished]) -> (Self, Vec<&'a Finished>) {
        let worker = batch.first().map_or(0, |finished| finished.lease.worker);
        let mut all = Self { worker, kept: Columns::default(), forgotten: Columns::default() };
        let mut others = Vec::new();
        for finished in batch {
            let is_bare = !finished.is_tied && finished.cause.is_none();
            if let End::Succeeded(result) = &finished.end
                && is_bare
                && finished.lease.worker == worker
            {
                let columns =
                    if finished.keeps_history { &mut all.kept } else { &mut all.forgotten };
                columns.ids.push(finished.lease.job.uuid());
                columns.attempts.push(small(finished.lease.attempt));
                columns.results.push(result);
            } else {
                others.push(finished);
            }
        }
        (all, others)
    }

    pub(super) fn len(&self) -> usize {
        self.kept.ids.len() + self.forgotten.ids.len()
    }

    /// Ends them, and gives how many were: not those whose lease was lost, nor those whose end others wait for.
    pub(super) async fn write(&self, db: &mut PgConnection) -> Result<usize> {
        let mut count = 0;
        if !self.kept.ids.is_empty() {
            count += keep(db, self.worker, &self.kept).await?;
        }
        if !self.forgotten.ids.is_empty() {
            count += forget(db, self.worker, &self.forgotten).await?;
        }
        Ok(count)
    }
}

async fn keep(db: &mut PgConnection, worker: i64, columns: &Columns<'_>) -> Result<usize> {
    // Most kinds have nothing to say, or all the same: then it is sent once.
    let same = match &*columns.results {
        [first, others @ ..] if others.iter().all(|other| other == first) => Some(*first),
        _ => None,
    };
    let results = if same.is_some() { &[] } else { &*columns.results };
    let count = sqlx::query_file_scalar!(
        "queries/jobs/succeeded_kept.sql",
        worker,
        &columns.ids,
        &columns.attempts,
        results as &[&str],
        same,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(usize::try_from(count).unwrap_or_default())
}

async fn forget(db: &mut PgConnection, worker: i64, columns: &Columns<'_>) -> Result<usize> {
    let oldest = columns.ids.iter().min();
    let newest = columns.ids.iter().max();
    let count = sqlx::query_file_scalar!(
        "queries/jobs/succeeded_forgotten.sql",
        worker,
        &columns.ids,
        &columns.attempts,
        oldest,
        newest,
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)?;
    Ok(usize::try_from(count).unwrap_or_default())
}
