//! The same action on many jobs.

use mindflight_api::job::{BulkDone, JobAction};
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Record;

use super::find::{self, Filter};
use super::{Cancel, Delete, JobViews, Retry};
use crate::{Error, Result};

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

pub(super) async fn bulk(
    views: &JobViews,
    action: JobAction,
    filter: &Filter,
    limit: u32,
    record: &Record,
) -> Result<Bulk> {
    let mut filter = filter.clone();
    // Without it, those that it was done to would be found again and again before the others.
    if filter.states.is_empty() && filter.ids.is_none() {
        filter.states = states(action).to_vec();
    }
    let ids = views.db().bounded(find::only_ids(views.db(), &filter, limit)).await?;
    let mut bulk = Bulk::default();
    bulk.done.more = ids.len() >= limit as usize && filter.ids.is_none();
    for id in ids {
        let record = Record { target: id.to_string(), ..record.clone() };
        if one(views, action, id, &record, &mut bulk).await? {
            bulk.done.done += 1;
        } else {
            bulk.done.refused += 1;
        }
    }
    bulk.queues.sort_unstable();
    bulk.queues.dedup();
    Ok(bulk)
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
    }
}

/// Whether it was done.
async fn one(
    views: &JobViews,
    action: JobAction,
    id: JobId,
    record: &Record,
    bulk: &mut Bulk,
) -> Result<bool> {
    let done = match action {
        JobAction::Cancel => cancel(views, id, record, bulk).await,
        JobAction::Retry => retry(views, id, record, bulk).await,
        JobAction::Delete => {
            views.delete(id, record).await.map(|done| done == Some(Delete::Deleted))
        }
    };
    match done {
        // Its unique key is another's: that is this job's matter alone.
        Err(Error::Conflict { .. }) => Ok(false),
        done => done,
    }
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
