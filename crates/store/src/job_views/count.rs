//! Counts jobs by state, up to a limit: an exact number of millions costs a second and helps nobody.

use std::collections::BTreeMap;

use mindflight_api::JobState;

use super::cancel::begin;
use super::rows::state_at;
use crate::db::{Db, commit};
use crate::{Error, Result};

/// Each state is counted up to so many.
const MOST_COUNTED: u64 = 10_000;

/// Jobs by state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How many; every state is there.
    pub counts: BTreeMap<JobState, u64>,
    /// States of which there are or may be more.
    pub capped: Vec<JobState>,
}

pub(super) async fn counts(
    db: &Db,
    kind: Option<&str>,
    queue: Option<&str>,
    provider: Option<&str>,
) -> Result<Counts> {
    // Of each state so many are looked at, and of those counted that fit.
    let most = MOST_COUNTED + 1;
    let mut tx = begin(db).await?;
    let rows = sqlx::query_file!(
        "queries/job_views/count.sql",
        kind,
        provider,
        queue,
        i64::try_from(most).unwrap_or(i64::MAX),
    )
    .fetch_all(&mut *tx)
    .await
    .map_err(Error::of)?;
    commit(tx).await?;
    let mut counts: BTreeMap<JobState, u64> =
        JobState::ALL.into_iter().map(|state| (state, 0)).collect();
    let mut capped = Vec::new();
    for row in rows {
        let (state, fitting) = (state_at(row.state), row.fitting.unsigned_abs());
        if fitting > MOST_COUNTED || row.scanned.unsigned_abs() >= most {
            capped.push(state);
        }
        counts.insert(state, fitting.min(MOST_COUNTED));
    }
    capped.sort_unstable();
    Ok(Counts { counts, capped })
}
