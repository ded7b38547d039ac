//! The same action on many jobs, a batch at a time.

mod errand;
mod together;

use mindflight_api::job::{BulkDone, JobAction};
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Record;
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::errand::{Errand, Errands, Reached};
use self::together::Acted;
use super::cancel::begin;
use super::find::{self, Filter};
use super::{Cancel, Delete, JobViews, Retry};
use crate::db::commit;
use crate::{Error, Result, audit};

/// Jobs of one transaction: enough to make the flush of the disk cheap, few enough to let others in between.
const BATCH: u32 = 500;

/// Two transactions that waited for each other are tried so often.
const TRIES: u32 = 3;

/// What was done to many jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bulk {
    /// To how many.
    pub done: BulkDone,
    /// Queues that got jobs.
    pub queues: Vec<i16>,
    /// Jobs whose worker has to be told to stop them.
    pub asked: Vec<JobId>,
}

/// What is to be done to which jobs.
#[derive(Debug, Clone)]
struct Work<'a> {
    action: JobAction,
    filter: Filter,
    /// Jobs of this kind are left alone.
    spared: Option<&'a str>,
    record: &'a Record,
}

/// Does it to the newest jobs that fit, at most `limit`.
pub(super) async fn bulk(
    views: &JobViews,
    action: JobAction,
    filter: &Filter,
    limit: u32,
    record: &Record,
) -> Result<Bulk> {
    let filter = of_action(action, filter);
    let is_named = filter.ids.is_some();
    let mut work = Work { action, filter, spared: None, record };
    let (mut bulk, mut left, mut scanned) = (Bulk::default(), limit, 0);
    while left > 0 {
        let step = patiently(views, &work, left.min(BATCH), None).await?;
        left = left.saturating_sub(step.found.max(1));
        bulk.add(step.bulk);
        work.filter.after = step.rest;
        bulk.done.more = step.rest.is_some() && !is_named;
        // Somebody waits for the answer; what is behind so many others is for an errand.
        scanned += step.scanned;
        if step.rest.is_none() || scanned >= find::MOST_SCANNED {
            break;
        }
    }
    Ok(bulk)
}

impl Bulk {
    fn add(&mut self, other: Self) {
        self.done.done += other.done.done;
        self.done.refused += other.done.refused;
        self.queues.extend(other.queues);
        self.queues.sort_unstable();
        self.queues.dedup();
        self.asked.extend(other.asked);
    }

    fn of(acted: &Acted) -> Self {
        let done = u64::try_from(acted.done.len()).unwrap_or(u64::MAX);
        Self {
            done: BulkDone { done, refused: acted.refused, more: false },
            queues: acted.queues.clone(),
            asked: acted.asked.clone(),
        }
    }
}

/// Without states of its own, only those in which the action says something: what it was done to would be found again
/// and again before the others.
fn of_action(action: JobAction, filter: &Filter) -> Filter {
    let mut filter = filter.clone();
    if filter.states.is_empty() && filter.ids.is_none() {
        filter.states = states(action).to_vec();
    }
    filter
}

/// The states in which `action` can be done.
const fn states(action: JobAction) -> &'static [JobState] {
    match action {
        JobAction::Cancel => &[
            JobState::Scheduled,
            JobState::Queued,
            JobState::Blocked,
            JobState::Running,
            JobState::Retrying,
        ],
        JobAction::Retry => {
            &[JobState::Scheduled, JobState::Retrying, JobState::Failed, JobState::Cancelled]
        }
        JobAction::Delete => &[JobState::Succeeded, JobState::Failed, JobState::Cancelled],
        JobAction::Snooze => {
            &[JobState::Scheduled, JobState::Queued, JobState::Blocked, JobState::Retrying]
        }
    }
}

/// One batch.
struct Step {
    bulk: Bulk,
    /// How many jobs fitted, of how many that were looked at.
    found: u32,
    scanned: u64,
    /// Where the next one begins, if this was not the last.
    rest: Option<JobId>,
}

/// One batch; again if it and somebody else waited for each other. An errand has to look first how far it is.
async fn patiently(
    views: &JobViews,
    work: &Work<'_>,
    limit: u32,
    errand: Option<(&Errand, &Reached)>,
) -> Result<Step> {
    let mut tries = 1;
    loop {
        match step(views, work, limit, errand).await {
            Err(Error::Timeout(_)) if tries < TRIES && errand.is_none() => tries += 1,
            step => return step,
        }
    }
}

async fn step(
    views: &JobViews,
    work: &Work<'_>,
    limit: u32,
    errand: Option<(&Errand, &Reached)>,
) -> Result<Step> {
    let together = views.db().bounded(together(views, work, limit, errand)).await?;
    let Together { mut bulk, found, scanned, rest, left } = together;
    if left.is_empty() {
        return Ok(Step { bulk, found, scanned, rest });
    }
    let before = bulk.done;
    for id in left {
        one(views, work, id.into(), &mut bulk).await?;
    }
    if let Some((errand, reached)) = errand {
        let more = BulkDone {
            done: bulk.done.done - before.done,
            refused: bulk.done.refused - before.refused,
            more: false,
        };
        let reached = reached.after(before).after(more).at(rest);
        views.db().bounded(errand.note(views.db(), &reached, work)).await?;
    }
    Ok(Step { bulk, found, scanned, rest })
}

/// What was done in one transaction, and what is left to be looked at one by one.
struct Together {
    bulk: Bulk,
    found: u32,
    scanned: u64,
    rest: Option<JobId>,
    left: Vec<Uuid>,
}

async fn together(
    views: &JobViews,
    work: &Work<'_>,
    limit: u32,
    errand: Option<(&Errand, &Reached)>,
) -> Result<Together> {
    let mut tx = begin(views.db()).await?;
    if let Some((errand, _)) = errand {
        errand.hold(&mut tx).await?;
    }
    let found = find::next(&mut tx, &work.filter, limit).await?;
    let spared = spared(&mut tx, work).await?;
    let acted = together::act(&mut tx, work.action, &found.ids, spared, work.record).await?;
    let bulk = Bulk::of(&acted);
    if !acted.done.is_empty() {
        let of_batch = of_batch(work.record, &acted);
        audit::write(&mut tx, &of_batch).await?;
    }
    if let Some((errand, reached)) = errand {
        let mut reached = reached.after(bulk.done);
        // What is left is met again if this process dies before it has seen to it.
        if acted.left.is_empty() {
            reached = reached.at(found.rest.map(JobId::from));
        }
        errand.write(&mut tx, &reached, work).await?;
    }
    commit(tx).await?;
    Ok(Together {
        bulk,
        found: u32::try_from(found.ids.len()).unwrap_or(u32::MAX),
        scanned: found.scanned,
        rest: found.rest.map(JobId::from),
        left: acted.left,
    })
}

/// The number of the kind that is left alone, once there is one.
async fn spared(db: &mut PgConnection, work: &Work<'_>) -> Result<Option<i32>> {
    let Some(name) = work.spared else {
        return Ok(None);
    };
    sqlx::query_scalar!("SELECT id FROM mindflight.kind WHERE name = $1", name)
        .fetch_optional(db)
        .await
        .map_err(Error::of)
}

/// One row of the audit log for a batch: who did it to which jobs.
fn of_batch(record: &Record, acted: &Acted) -> Record {
    let mut detail = match &record.detail {
        Value::Object(members) => members.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            serde_json::Map::new()
        }
    };
    detail.insert("done".to_owned(), json!(acted.done.len()));
    detail.insert("jobs".to_owned(), json!(acted.done));
    Record { detail: Value::Object(detail), ..record.clone() }
}

/// What cannot be done together: with a row of its own in the audit log, as if it had been done by hand.
async fn one(views: &JobViews, work: &Work<'_>, id: JobId, bulk: &mut Bulk) -> Result<()> {
    let record = Record { target: id.to_string(), detail: Value::Null, ..work.record.clone() };
    let done = match work.action {
        JobAction::Cancel => cancel(views, id, &record, bulk).await,
        JobAction::Retry => retry(views, id, &record, bulk).await,
        JobAction::Delete => {
            views.delete(id, &record).await.map(|done| done == Some(Delete::Deleted))
        }
        JobAction::Snooze => Ok(false),
    };
    match done {
        Ok(true) => bulk.done.done += 1,
        // Its unique key is another's, or it moves all the time: that is this job's matter alone.
        Ok(false) | Err(Error::Conflict { .. }) => bulk.done.refused += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}

async fn cancel(views: &JobViews, id: JobId, record: &Record, bulk: &mut Bulk) -> Result<bool> {
    match views.cancel(id, None, record).await? {
        Some(Cancel::Cancelled { queues }) => bulk.queues.extend(queues),
        Some(Cancel::Asked) => bulk.asked.push(id),
        Some(Cancel::Final(_)) | None => return Ok(false),
    }
    Ok(true)
}

async fn retry(views: &JobViews, id: JobId, record: &Record, bulk: &mut Bulk) -> Result<bool> {
    match views.retry(id, record).await? {
        Some(Retry::Queued { queues }) => bulk.queues.extend(queues),
        Some(Retry::Refused(_)) | None => return Ok(false),
    }
    Ok(true)
}
