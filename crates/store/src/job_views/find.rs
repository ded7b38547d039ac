//! Finds jobs, newest first, without ever reading more than a bounded number of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::error_group::Fingerprint;
use mindflight_api::{JobId, JobState};
use sqlx::PgConnection;
use uuid::Uuid;

use super::cancel::plan_for_few;
use super::rows::{self, place_of};
use super::{JobViews, View};
use crate::db::{Db, commit};
use crate::jobs::first_id;
use crate::{Error, Result, text};

/// The most jobs that are looked at for one list.
pub const MOST_SCANNED: u64 = 100_000;

/// How many are looked at in one statement: few at first, for the filter may fit most.
const FIRST_BATCH: i64 = 512;
const LARGEST_BATCH: i64 = 8192;

/// Where many queues are looked at, only this share of a batch is read of each, but for the first few.
const SHARE_OF_LANE: i64 = 8;

/// Which jobs. What is empty does not restrict.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// In these states.
    pub states: Vec<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<String>,
    /// Of kinds of this provider, and calls of its tools.
    pub provider: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Made at this time or later, to the millisecond, as their ids say.
    pub since: Option<DateTime<Utc>>,
    /// Made before this time.
    pub until: Option<DateTime<Utc>>,
    /// Whose argument at this path is this text.
    pub args: Option<(Vec<String>, String)>,
    /// Of this caller.
    pub owner: Option<String>,
    /// Failed with this fingerprint.
    pub error: Option<Fingerprint>,
    /// Among these.
    pub ids: Option<Vec<JobId>>,
    /// Only what is older than this job.
    pub after: Option<JobId>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The jobs, newest first.
    pub items: Vec<View>,
    /// How many jobs were looked at, where the filter has no index.
    pub scanned: Option<u64>,
}

impl Filter {
    pub(super) fn check(&self) -> Result<()> {
        let path = self.args.iter().flat_map(|(path, _)| path.iter().map(|part| Some(&**part)));
        check(path)?;
        check([
            self.kind.as_deref(),
            self.queue.as_deref(),
            self.provider.as_deref(),
            self.tag.as_deref(),
            self.owner.as_deref(),
            self.args.as_ref().map(|(_, value)| value.as_str()),
        ])
    }

    /// Only what has failed has a fingerprint.
    fn states(&self) -> &[JobState] {
        if self.error.is_some() { &[JobState::Failed] } else { &self.states }
    }

    /// Whether no job can fit.
    fn is_vain(&self) -> bool {
        self.error.is_some() && !self.states.is_empty() && !self.states.contains(&JobState::Failed)
    }

    /// Whether jobs have to be looked at one by one.
    fn compares(&self) -> bool {
        let texts = [&self.kind, &self.queue, &self.provider, &self.tag, &self.owner];
        texts.iter().any(|text| text.is_some()) || self.args.is_some()
    }

    /// The ids that come after all that are wanted, and the first of those that are.
    fn bounds(&self) -> (Uuid, Uuid) {
        let until = self.until.map(first_id);
        let newest = self.after.map(JobId::uuid).into_iter().chain(until).min();
        (newest.unwrap_or(Uuid::max()), self.since.map_or(Uuid::nil(), first_id))
    }
}

/// Refuses texts that no stored text can be.
pub(super) fn check<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Result<()> {
    texts.into_iter().flatten().try_for_each(|one| text::check("the filter", one))
}

pub(super) async fn list(
    db: &Db,
    filter: &Filter,
    limit: u32,
    alive_for: Duration,
) -> Result<Listed> {
    // What is found and what is shown of it are of one moment.
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let mut tx = db.pool.begin_with(begin).await.map_err(Error::of)?;
    plan_for_few(&mut tx).await?;
    let found = next(&mut tx, filter, limit).await?;
    let (ids, scanned) = (found.ids, found.scanned);
    let items = rows::read(&mut tx, &ids, alive_for, false).await?;
    commit(tx).await?;
    let scanned = (filter.compares() || scanned >= MOST_SCANNED).then_some(scanned);
    Ok(Listed { items, scanned })
}

/// The newest ids that fit.
pub(super) struct Found {
    pub(super) ids: Vec<Uuid>,
    /// How many jobs were looked at.
    pub(super) scanned: u64,
    /// What was not looked at, or has no room, is older than this; `None`: there is nothing more.
    pub(super) rest: Option<Uuid>,
}

/// The ids of the newest that fit, at most `limit`, without reading more than that.
pub(super) async fn next(db: &mut PgConnection, filter: &Filter, limit: u32) -> Result<Found> {
    let (wanted, limit) = (i64::from(limit), limit as usize);
    let mut batch = if filter.compares() { wanted.max(FIRST_BATCH) } else { wanted };
    let (mut newest, oldest) = filter.bounds();
    let mut found = Found { ids: Vec::new(), scanned: 0, rest: None };
    if filter.is_vain() {
        return Ok(found);
    }
    loop {
        let seen = look(db, filter, (newest, oldest), batch).await?;
        found.scanned += seen.scanned.unsigned_abs();
        found.ids.extend(seen.fitting);
        let Some(last) = seen.oldest.filter(|_| seen.more) else {
            break;
        };
        if found.ids.len() >= limit || found.scanned >= MOST_SCANNED {
            found.rest = Some(last);
            break;
        }
        newest = last;
        let left = i64::try_from(MOST_SCANNED - found.scanned).unwrap_or(LARGEST_BATCH);
        batch = (batch * 4).min(LARGEST_BATCH).min(left);
    }
    if found.ids.len() > limit {
        found.ids.truncate(limit);
        found.rest = found.ids.last().copied();
    }
    Ok(found)
}

struct Seen {
    scanned: i64,
    more: bool,
    oldest: Option<Uuid>,
    fitting: Vec<Uuid>,
}

async fn look(
    db: &mut PgConnection,
    filter: &Filter,
    (newest, oldest): (Uuid, Uuid),
    batch: i64,
) -> Result<Seen> {
    let mut states: Vec<i16> = filter.states().iter().map(|state| place_of(*state)).collect();
    if JobState::ALL.iter().all(|state| filter.states.contains(state)) {
        states.clear();
    }
    let ids = filter.ids.as_ref();
    let ids: Option<Vec<Uuid>> = ids.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    let (path, value) = filter.args.as_ref().map(|(path, value)| (path.as_slice(), value)).unzip();
    sqlx::query_file_as!(
        Seen,
        "queries/job_views/find.sql",
        newest,
        oldest,
        batch,
        &states,
        ids.as_deref(),
        filter.kind.as_deref(),
        filter.provider.as_deref(),
        filter.queue.as_deref(),
        filter.tag.as_deref(),
        path,
        value.map(String::as_str),
        filter.owner.as_deref(),
        filter.error.map(Fingerprint::number),
        of_lane(filter, batch),
    )
    .fetch_one(db)
    .await
    .map_err(Error::of)
}

/// How many jobs are read of one lane of one queue.
fn of_lane(filter: &Filter, batch: i64) -> i64 {
    if filter.queue.is_some() { batch } else { batch.min(FIRST_BATCH.max(batch / SHARE_OF_LANE)) }
}

impl JobViews {
    pub(super) const fn db(&self) -> &Db {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_of_cursor_and_until_is_the_bound() {
        let (early, late) = (first_id(DateTime::UNIX_EPOCH), Uuid::max());
        let until = Some(DateTime::UNIX_EPOCH);
        for after in [None, Some(JobId::from(late))] {
            let filter = Filter { until, after, ..Filter::default() };
            assert_eq!(filter.bounds(), (early, Uuid::nil()));
        }
        assert_eq!(Filter::default().bounds(), (late, Uuid::nil()));
    }

    #[test]
    fn only_what_no_index_knows_is_compared() {
        let plain =
            Filter { states: vec![JobState::Failed], ids: Some(vec![]), ..Filter::default() };
        assert!(!plain.compares());
        let error = Some(Fingerprint::from(7));
        let waits = Filter { states: vec![JobState::Queued], error, ..Filter::default() };
        assert!(waits.is_vain() && !waits.compares());
        assert!(!Filter { error, ..plain.clone() }.is_vain());
        assert!(Filter { tag: Some("x".to_owned()), ..plain }.compares());
    }
}
