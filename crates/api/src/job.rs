//! Jobs, queues, schedules and workers: bodies of requests and answers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error_group::Fingerprint;
use crate::{Fault, JobId, Retry, ScheduleId};

/// Where a job is in its life.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Not due yet.
    Scheduled,
    /// Waits for a worker.
    Queued,
    /// Waits for another job, an answer or a limit.
    Blocked,
    /// An attempt is under way.
    Running,
    /// An attempt failed; the next one is not due yet.
    Retrying,
    /// Done.
    Succeeded,
    /// Out of attempts, or not retryable: the dead-letter list.
    Failed,
    /// Someone stopped it.
    Cancelled,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: [Self; 8] = [
        Self::Scheduled,
        Self::Queued,
        Self::Blocked,
        Self::Running,
        Self::Retrying,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing will happen any more unless someone acts.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// As it is written on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How far the work is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    /// Units done.
    pub done: f64,
    /// Units in all, if known.
    pub total: Option<f64>,
    /// What is being done, in a few words.
    pub message: Option<String>,
}

/// A delay: seconds, or a number with a unit such as `"5m"` (ms, s, m, h, d).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Delay {
    /// Seconds.
    Seconds(f64),
    /// A number with its unit.
    Text(String),
}

/// What becomes of a job whose parent has failed or was cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It is cancelled, too, as soon as one has.
    #[default]
    Cancel,
    /// It runs once all have ended, and sees how.
    Run,
}

/// When a unique key is free again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyRelease {
    /// When an attempt starts: unique among those that wait.
    Start,
    /// When the job ends: unique among those that are not finished.
    #[default]
    End,
    /// When the time slot of `period` is over, whatever becomes of the job.
    Period,
}

/// When a job counts as the same as another (`unique` of `POST /api/jobs`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UniqueBy {
    /// Compare these arguments; all of them if left out. Not together with `key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Compare this key instead of arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Compare the time slot of this length, too: seconds, or `"1h"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Delay>,
    /// When the key is free again; `period` needs a `period`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<KeyRelease>,
}

/// A job that another waits for or waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobParent {
    /// Its id.
    pub id: JobId,
    /// Where it is in its life; null when it has ended and is forgotten.
    pub state: Option<JobState>,
}

/// `POST /api/jobs`: one job to be made; an array of these makes several, all or none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    /// `{provider}.{kind}`.
    pub kind: String,
    /// Arguments of the kind; an empty object if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
    /// The queue, instead of the kind's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// 0–9, lower first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Starts no earlier; not together with `delay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_at: Option<DateTime<Utc>>,
    /// Starts no earlier than after this long: seconds, or `"5m"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// While a job of this kind with this key is not finished, no second one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_key: Option<String>,
    /// The same with more to say; not together with `unique_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<UniqueBy>,
    /// It starts once these have ended: ids of jobs, or names given in the same call; at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// What `after` of others in the same call names it by; it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What becomes of it when a job of `after` has failed or was cancelled; `cancel` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    /// Attempts before the job has failed, 1–1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Words to find it by, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// Why an attempt or a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobError {
    /// What clients match on.
    pub code: String,
    /// This case, in one or two sentences.
    pub detail: String,
    /// Who has to act.
    pub fault: Fault,
    /// Whether trying again can help.
    pub retry: Retry,
    /// The next step, when there is one to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttemptEnd {
    /// It is under way.
    Running,
    /// With a result.
    Succeeded,
    /// With an error.
    Failed,
    /// The handler put the job off; the attempt does not count.
    Snoozed,
    /// Its worker died.
    Crashed,
    /// Its worker stopped in good order, and another one takes the job; the attempt does not count.
    Returned,
    /// Someone stopped it.
    Cancelled,
}

/// One attempt at a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// From 1.
    pub attempt: u32,
    /// How it ended.
    pub state: AttemptEnd,
    /// The worker that ran it.
    pub worker: Option<i64>,
    /// When it was claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// What may be done with a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JobAction {
    /// `POST /api/jobs/{id}/cancel`
    Cancel,
    /// `POST /api/jobs/{id}/retry`: run it now, with fresh attempts.
    Retry,
    /// `DELETE /api/jobs/{id}`
    Delete,
    /// `POST /api/jobs/{id}/snooze`: wait until another time. Of one job at a time.
    Snooze,
}

/// `POST /api/jobs/{id}/snooze`: one of both.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnoozeRequest {
    /// How long from now on: seconds, or `"10m"`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Delay>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// `{provider}.{kind}`, or the tool's name for a tool call that became a job.
    pub kind: String,
    /// The provider's mounted name.
    pub provider: String,
    /// The queue.
    pub queue: String,
    /// Where it is in its life.
    pub state: JobState,
    /// Why it waits, or what ended it, in one sentence; null when there is nothing to say.
    pub reason: Option<String>,
    /// 0–9, lower first.
    pub priority: u8,
    /// The newest attempt's number; 0 before the first.
    pub attempt: u32,
    /// Attempts before the job has failed.
    pub max_attempts: u32,
    /// Arguments.
    pub args: Value,
    /// What it gave, once it has succeeded.
    pub result: Option<Value>,
    /// Why the newest failed attempt failed.
    pub error: Option<JobError>,
    /// What it has in common with others that failed so, once it has failed: see `GET /api/jobs/errors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// How far it is, if its handler says so.
    pub progress: Option<Progress>,
    /// The attempts, oldest first; in lists it is left empty.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Words to find it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The jobs it starts after, in the order in which they were named; in lists it is left empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<JobParent>,
    /// The jobs that start after it, at most 100; in lists it is left empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<JobId>,
    /// Whether it has been running for longer than `jobs.long_after`.
    pub long_running: bool,
    /// When it was made, by the clock of the instance that made it, in whole milliseconds; its id begins with it.
    pub created_at: DateTime<Utc>,
    /// When it is or was due.
    pub run_at: DateTime<Utc>,
    /// When the newest attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Milliseconds after which it is worth asking again; null when it has ended.
    pub next_poll_ms: Option<u64>,
    /// What may be done with it now.
    pub actions: Vec<JobAction>,
    /// True in the answer to `POST /api/jobs` when a job with the same unique key was there already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existing: bool,
}

/// `POST /api/jobs` with an array.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewJobs {
    /// The jobs, in the order of the request.
    pub items: Vec<Job>,
}

/// `GET /api/jobs/status`: a page of jobs, newest first, and how many there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobList {
    /// Jobs by state, of the same kind, provider and queue; each is counted up to 10,000.
    pub counts: std::collections::BTreeMap<JobState, u64>,
    /// The states of which there are more than were counted.
    pub counts_capped: Vec<JobState>,
    /// The jobs.
    pub items: Vec<Job>,
    /// Send as `cursor` to get the next page; null on the last one.
    pub next: Option<String>,
    /// How many jobs were looked at, where a filter has no index (`args.path`, `tag`): at most the newest 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<u64>,
}

/// One line that a job's handler has logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogLine {
    /// The attempt that wrote it.
    pub attempt: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// The line.
    pub line: String,
}

/// Which jobs `POST /api/jobs/bulk` is about; at least one member is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobFilter {
    /// These states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<JobState>,
    /// This kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// This queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Kinds of this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// This tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Made at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// Made before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Whose argument at this path, such as `account.id`, is this text; one at most.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub args: BTreeMap<String, String>,
    /// Failed with this fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Fingerprint>,
    /// These jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<JobId>,
}

/// `POST /api/jobs/bulk`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// What is done to each.
    pub action: JobAction,
    /// To which.
    pub filter: JobFilter,
}

/// What `POST /api/jobs/bulk` did: at most 1,000 jobs at a time. The job that `Prefer: respond-async` makes of it does
/// it to all, and says in its result what it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BulkDone {
    /// Jobs it was done to.
    pub done: u64,
    /// Jobs that are in a state in which it cannot be done.
    pub refused: u64,
    /// Whether more jobs may match: send the same again.
    pub more: bool,
}

/// One queue (`GET /api/queues`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Jobs that wait for a worker; counted up to 10,000.
    pub queued: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that are not due, counted up to 10,000.
    pub scheduled: u64,
    /// Jobs that wait for a limit, counted up to 10,000.
    pub blocked: u64,
    /// How long the next job to be claimed has been waiting, in milliseconds.
    pub oldest_ms: Option<u64>,
    /// Live workers that take jobs of it.
    pub workers: u64,
    /// Whether ended jobs are kept.
    pub keeps_history: bool,
    /// Since when no job of it is started.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why.
    pub pause_reason: Option<String>,
    /// When the pause ends by itself.
    pub paused_until: Option<DateTime<Utc>>,
    /// Jobs of it that run at once at most, over all instances.
    pub concurrency: Option<u32>,
    /// Jobs of it that start in a stretch of time at most, over all instances: `100/1m`.
    pub rate: Option<String>,
    /// How long its jobs are kept after they have ended, if not as long as all others: `7d`.
    pub retention: Option<String>,
}

/// `PATCH /api/queues/{q}`: other limits of a queue. What is left out stays as it is; null takes a limit away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueChange {
    /// Jobs of it that run at once at most, over all instances; 1–1,000,000.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Option<u32>>,
    /// Jobs of it that start in a stretch of time at most, over all instances: `100/1m`, `5/s`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub rate: Option<Option<String>>,
    /// How long its jobs are kept after they have ended: `7d`.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub retention: Option<Option<String>>,
}

/// Null is something else than nothing.
fn said<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// `POST /api/queues/{q}/pause`; the body may be left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Why, for whoever finds its jobs waiting; at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How long, after which it ends by itself: seconds, or `"30m"`. Not together with `until`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Delay>,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// What makes jobs by the clock (`GET /api/schedules`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// The kind of its jobs.
    pub kind: String,
    /// Five fields: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// IANA time zone.
    pub zone: String,
    /// What happens to times that passed while no server ran: `skip`, `latest` or `all`.
    pub missed: String,
    /// The next times, at most five; empty while it is paused or nobody has its kind.
    pub next: Vec<DateTime<Utc>>,
    /// The latest time that is done.
    pub last: Option<DateTime<Utc>>,
    /// The job it made last.
    pub last_job: Option<JobId>,
    /// Since when it makes no jobs.
    pub paused_at: Option<DateTime<Utc>>,
    /// Who paused it.
    pub paused_by: Option<String>,
}

/// One process that runs jobs (`GET /api/workers`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    /// Its number; never used again.
    pub id: i64,
    /// The machine it runs on.
    pub host: String,
    /// Its process id there.
    pub pid: i32,
    /// The program's version.
    pub version: String,
    /// Jobs it runs at the same time.
    pub slots: u32,
    /// Jobs it has.
    pub running: u32,
    /// The kinds it can run.
    pub kinds: Vec<String>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it last said that it lives.
    pub beat_at: DateTime<Utc>,
    /// Whether it is on its way down.
    pub stopping: bool,
}
