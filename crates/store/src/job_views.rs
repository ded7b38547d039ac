//! Jobs, queues, schedules and workers as people see them: lists, counts, reasons, and what may be done by hand.

mod bulk;
mod cancel;
mod count;
mod delete;
mod errors;
mod find;
mod invariants;
mod kinds;
mod logs;
mod parents;
mod queues;
mod reason;
mod retry;
mod rows;
mod schedules;
mod shown;
mod snooze;
mod workers;

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use mindflight_api::JobState;
use mindflight_api::error_group::{ErrorGroup, Fingerprint};
use mindflight_api::job::{
    Attempt, JobAction, JobError, JobParent, LogLine, Progress, Queue, Schedule, Worker,
};
use mindflight_api::{JobId, ScheduleId};
use mindflight_core::policy::Rate;
use mindflight_core::ports::{Parent, Record};
use serde_json::Value;

pub use self::bulk::{Bulk, Errand, Errands, Reached};
pub use self::cancel::Cancel;
pub use self::count::Counts;
pub use self::delete::Delete;
pub use self::errors::ErrorFilter;
pub use self::find::{Filter, Listed, MOST_SCANNED};
pub use self::queues::QueueLimits;
pub use self::reason::reason;
pub use self::retry::Retry;
pub use self::shown::{Standing, actions, next_poll_ms, shown};
pub use self::snooze::{Snooze, Until};
use crate::Result;
use crate::db::Db;

/// Jobs as people see them. Everything here is bounded, however many jobs there are.
#[derive(Clone)]
pub struct JobViews(pub(crate) Db);

/// One job with all that is known about it, of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its id.
    pub id: JobId,
    /// `{provider}.{kind}`, or a tool's name.
    pub kind: String,
    /// The number of its queue.
    pub queue_id: i16,
    /// The name of its queue.
    pub queue: String,
    /// Since when its queue is paused, by whom and why.
    pub paused: Option<Paused>,
    /// Where it is in its life.
    pub state: JobState,
    /// 0–9, lower first.
    pub priority: u8,
    /// It was running when a worker died, and waits until it can run alone.
    pub runs_alone: bool,
    /// The newest attempt's number; 0 before the first.
    pub attempt: u32,
    /// Attempts before it has failed.
    pub max_attempts: u32,
    /// Arguments.
    pub args: Value,
    /// What it gave.
    pub result: Option<Value>,
    /// Why it failed, was cancelled, or why its newest failed attempt failed.
    pub error: Option<JobError>,
    /// What its failure has in common with others.
    pub fingerprint: Option<Fingerprint>,
    /// How far it is, as its handler said it.
    pub progress: Option<Progress>,
    /// The attempts, oldest first, at most the newest 1,000; in lists none.
    pub attempts: Vec<Attempt>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Whose it is: the space of the caller that made it.
    pub owner: Option<String>,
    /// The provider of the tool, if it is a tool call.
    pub provider: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it is due, as long as it is not.
    pub run_at: Option<DateTime<Utc>>,
    /// Its handler put it off; nothing failed.
    pub is_put_off: bool,
    /// When the newest attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The worker that runs it or ran it last, and its machine if it is still known.
    pub worker: Option<(i64, Option<String>)>,
    /// Live workers that can run its kind; only known while it waits for one.
    pub kind_workers: Option<u64>,
    /// What limits how many run at once or start in a stretch of time, while it waits for that.
    pub gate: Option<Gate>,
    /// Of how many jobs it waits for how many have not ended, while it waits for them.
    pub waits: Option<Waits>,
    /// The jobs it starts after, in the order in which they were named; in lists none.
    pub after: Vec<JobParent>,
    /// Jobs that start after it, at most 100; in lists none.
    pub then: Vec<JobId>,
    /// Jobs that come before it in its queue, counted up to 1,000; only known while it is queued, and not in lists.
    pub ahead: Option<u64>,
    /// Somebody wants it to be stopped.
    pub cancel_requested: bool,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// Why nothing of a queue starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paused {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Who paused it.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// What limits how many jobs run at once, or start in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// Whether it is the queue itself.
    pub is_queue: bool,
    /// How many may run.
    pub slots: Option<u64>,
    /// How many run or are about to.
    pub used: u64,
    /// How many may start.
    pub rate: Option<Rate>,
    /// When the next may start, if only the rate holds it.
    pub wakes_at: Option<DateTime<Utc>>,
}

/// What holds up a job that waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// How many of them have not ended.
    pub unfinished: u64,
    /// How many there are.
    pub all: u64,
}

impl JobViews {
    /// One job. A worker counts as live if it has said so within `alive_for`; also in the others.
    ///
    /// # Errors
    /// When the database does not answer; also in the others.
    pub async fn get(&self, id: JobId, alive_for: Duration) -> Result<Option<View>> {
        self.0.bounded(rows::get(&self.0, id, alive_for)).await
    }

    /// These jobs, in this order; those that are gone are left out.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn get_all(&self, ids: &[JobId], alive_for: Duration) -> Result<Vec<View>> {
        self.0.bounded(rows::get_all(&self.0, ids, alive_for)).await
    }

    /// Whose these jobs are, as far as they are there: the space of the caller that made each, if one did.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn owners(&self, ids: &[JobId]) -> Result<HashMap<JobId, Option<String>>> {
        self.0.bounded(parents::owners(&self.0, ids)).await
    }

    /// The jobs that one has waited for, in the order in which it named them; those that are forgotten are left out.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn parents(&self, job: JobId) -> Result<Vec<Parent>> {
        self.0.bounded(parents::of(&self.0, job)).await
    }

    /// The newest jobs that fit, at most `limit`, all of one moment.
    ///
    /// # Errors
    /// As [`get`](Self::get), and when a text of the filter has a NUL.
    pub async fn list(&self, filter: &Filter, limit: u32, alive_for: Duration) -> Result<Listed> {
        filter.check()?;
        self.0.bounded(find::list(&self.0, filter, limit, alive_for)).await
    }

    /// How many jobs are in which state, of one kind, queue and provider; each is counted up to 10,000.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn counts(
        &self,
        kind: Option<&str>,
        queue: Option<&str>,
        provider: Option<&str>,
    ) -> Result<Counts> {
        find::check([kind, queue, provider])?;
        self.0.bounded(count::counts(&self.0, kind, queue, provider)).await
    }

    /// The groups of failures that fit, those seen last first, at most `limit`.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn errors(&self, filter: &ErrorFilter, limit: u32) -> Result<Vec<ErrorGroup>> {
        find::check([filter.kind.as_deref()])?;
        self.0.bounded(errors::list(&self.0, filter, limit)).await
    }

    /// How many live workers can run each kind; kinds that nobody can run are not in it.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn kind_workers(&self, alive_for: Duration) -> Result<HashMap<String, u64>> {
        self.0.bounded(kinds::workers(&self.0, alive_for)).await
    }

    /// What a job's handler has logged, from after line `after` on, each with its number.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn logs(
        &self,
        id: JobId,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, LogLine)>> {
        self.0.bounded(logs::list(&self.0, id, after, limit)).await
    }

    /// Stops a job: one that waits at once, one that runs by asking its worker to. `None`: there is none.
    ///
    /// # Errors
    /// As [`get`](Self::get); a conflict if it moves all the time.
    pub async fn cancel(
        &self,
        id: JobId,
        reason: Option<&str>,
        record: &Record,
    ) -> Result<Option<Cancel>> {
        find::check([reason])?;
        self.0.bounded(cancel::cancel(&self.0, id, reason, record)).await
    }

    /// Runs a job now: one that has ended without success with fresh attempts, one that is not due at once.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel); a conflict also if another job has its unique key.
    pub async fn retry(&self, id: JobId, record: &Record) -> Result<Option<Retry>> {
        self.0.bounded(retry::retry(&self.0, id, record)).await
    }

    /// Has a job that waits do so until another time.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub async fn snooze(&self, id: JobId, until: Until, record: &Record) -> Result<Option<Snooze>> {
        self.0.bounded(snooze::snooze(&self.0, id, until, record)).await
    }

    /// Forgets a job that has ended.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub async fn delete(&self, id: JobId, record: &Record) -> Result<Option<Delete>> {
        self.0.bounded(delete::delete(&self.0, id, record)).await
    }

    /// Does `action` to the newest jobs that fit, at most `limit`, a batch of them at a time. A batch has one record,
    /// and so has each job that takes part in a limit, has a unique key or dependents.
    ///
    /// # Errors
    /// As in [`list`](Self::list); what was done until then stays done.
    pub async fn bulk(
        &self,
        action: JobAction,
        filter: &Filter,
        limit: u32,
        record: &Record,
    ) -> Result<Bulk> {
        filter.check()?;
        bulk::bulk(self, action, filter, limit, record).await
    }

    /// Every queue, by name.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn queues(&self, alive_for: Duration) -> Result<Vec<Queue>> {
        self.0.bounded(queues::list(&self.0, None, alive_for)).await
    }

    /// One queue.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn queue(&self, name: &str, alive_for: Duration) -> Result<Option<Queue>> {
        find::check([Some(name)])?;
        Ok(self.0.bounded(queues::list(&self.0, Some(name), alive_for)).await?.pop())
    }

    /// Lets no job of a queue start any more, or none until then; the queue's number, if there is one of that name.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn pause_queue(
        &self,
        name: &str,
        (reason, until): (Option<&str>, Option<Until>),
        record: &Record,
    ) -> Result<Option<i16>> {
        find::check([Some(name), reason])?;
        self.0.bounded(queues::pause(&self.0, name, (reason, until), record)).await
    }

    /// Gives a queue other limits; the queue's number, if there is one of that name.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn limit_queue(
        &self,
        name: &str,
        limits: &QueueLimits,
        record: &Record,
    ) -> Result<Option<i16>> {
        find::check([Some(name)])?;
        self.0.bounded(queues::limit(&self.0, name, limits, record)).await
    }

    /// Lets jobs of a queue start again; the queue's number, if there is one of that name.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn resume_queue(&self, name: &str, record: &Record) -> Result<Option<i16>> {
        find::check([Some(name)])?;
        self.0.bounded(queues::resume(&self.0, name, record)).await
    }

    /// The workers, newest first.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        self.0.bounded(workers::list(&self.0)).await
    }

    /// Every schedule, by kind. The next times are not known here.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        self.0.bounded(schedules::list(&self.0, None)).await
    }

    /// One schedule.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>> {
        Ok(self.0.bounded(schedules::list(&self.0, Some(id))).await?.pop())
    }

    /// Lets a schedule make no jobs; whether there is one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn pause_schedule(&self, id: ScheduleId, record: &Record) -> Result<bool> {
        self.0.bounded(schedules::pause(&self.0, id, record)).await
    }

    /// Lets a schedule make jobs again; whether there is one.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn resume_schedule(&self, id: ScheduleId, record: &Record) -> Result<bool> {
        self.0.bounded(schedules::resume(&self.0, id, record)).await
    }

    /// Jobs that are in no place or in more than one, places without a job, and jobs that wait for others although all
    /// of those have ended: there must be none. Reads everything,
    /// so it is for tests.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub async fn misplaced(&self) -> Result<Vec<JobId>> {
        self.0.bounded(invariants::misplaced(&self.0)).await
    }
}
