//! Puts a job off by hand.

use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::{JobId, JobState};
use mindflight_core::ports::Record;
use sqlx::{Connection as _, PgConnection};

use super::cancel::{LOOKS, begin, restless};
use super::delete::state;
use crate::db::{Db, commit};
use crate::jobs::{gates, interval};
use crate::{Error, Result, audit};

/// Until when a job is put off, or a queue paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// This time.
    At(DateTime<Utc>),
    /// This long from now on, by the database's clock.
    After(Duration),
}

/// What became of a job that was to be put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Snooze {
    /// It waits. These queues got jobs for which it made room.
    PutOff {
        /// Their numbers.
        queues: Vec<i16>,
    },
    /// It is in a state in which that says nothing: it runs, has ended, or waits for other jobs.
    Refused(JobState),
}

pub(super) async fn snooze(
    db: &Db,
    id: JobId,
    until: Until,
    record: &Record,
) -> Result<Option<Snooze>> {
    let mut tx = begin(db).await?;
    let mut seen = None;
    for _ in 0..LOOKS {
        if let Some(queues) = put_off(&mut tx, id, until).await? {
            audit::write(&mut tx, record).await?;
            commit(tx).await?;
            return Ok(Some(Snooze::PutOff { queues }));
        }
        match state(&mut tx, id).await? {
            None => return Ok(None),
            // It came there between the looks, or waits for other jobs as long as anybody looks.
            Some(
                now @ (JobState::Scheduled
                | JobState::Queued
                | JobState::Blocked
                | JobState::Retrying),
            ) => seen = Some(now),
            Some(state) => return Ok(Some(Snooze::Refused(state))),
        }
    }
    match seen {
        Some(JobState::Blocked) => Ok(Some(Snooze::Refused(JobState::Blocked))),
        _ => Err(restless(id)),
    }
}

/// The queues that got jobs for which it made room; nothing, if it does not wait.
async fn put_off(db: &mut PgConnection, id: JobId, until: Until) -> Result<Option<Vec<i16>>> {
    // If it does not wait any more, its gate is let go again, as when it is cancelled.
    let mut db = db.begin().await.map_err(Error::of)?;
    let moved = put_off_held(&mut db, id, until).await?;
    match moved {
        Some(_) => db.commit().await.map_err(Error::of)?,
        None => db.rollback().await.map_err(Error::of)?,
    }
    Ok(moved)
}

async fn put_off_held(db: &mut PgConnection, id: JobId, until: Until) -> Result<Option<Vec<i16>>> {
    // Whoever lets jobs through a gate has chosen them before it takes them: it must not choose this one meanwhile.
    gates::hold(db, id.uuid()).await?;
    let (at, after) = match until {
        Until::At(time) => (Some(time), None),
        Until::After(wait) => (None, Some(interval(wait))),
    };
    let used = sqlx::query_file_scalar!("queries/job_views/snooze.sql", id.uuid(), at, after)
        .fetch_optional(&mut *db)
        .await
        .map_err(Error::of)?;
    match used {
        None => Ok(None),
        Some(gates) if gates.is_empty() => Ok(Some(Vec::new())),
        Some(gates) => gates::admit(db, &gates).await.map(Some),
    }
}
