//! Ends of jobs as events: the queue writes those of a whole batch as one row, in columns.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mindflight_api::event::{
    Envelope, JOB_CANCELLED, JOB_FAILED, JOB_SUCCEEDED, JobEvent, SERVER, SPEC_VERSION,
};
use mindflight_api::{JobId, event};
use serde::Deserialize;
use uuid::Uuid;

use super::read::Names;
use crate::{Error, Result};

/// The type of such rows; no event of anybody has it.
pub(super) const TYPE: &str = "mindflight.job";

/// Jobs that ended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When they did.
    pub time: DateTime<Utc>,
    /// In the order of their positions.
    pub jobs: Vec<EndedJob>,
}

/// A job that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedJob {
    /// Its id.
    pub job: JobId,
    /// The type of the event.
    pub r#type: &'static str,
    /// Its kind.
    pub kind: Arc<str>,
    /// Its queue.
    pub queue: Arc<str>,
    /// The newest attempt.
    pub attempt: u32,
    /// The code of its error.
    pub error: Option<String>,
    /// How many events caused one another before this one.
    pub depth: u32,
    /// Shared by one chain.
    pub correlation_id: Option<String>,
}

/// As the queue's statements write them; a column that is null everywhere is left out.
#[derive(Deserialize)]
pub(super) struct Columns {
    /// Beside the others, or in a column of the table.
    #[serde(default)]
    job: Vec<Uuid>,
    pub(super) kind: Column<i32>,
    pub(super) queue: Column<i16>,
    state: Column<i16>,
    attempt: Column<i16>,
    #[serde(default)]
    error: Option<Vec<Option<String>>>,
    #[serde(default)]
    depth: Option<Vec<Option<u32>>>,
    #[serde(default)]
    correlation: Option<Vec<Option<String>>>,
}

/// A value for each job, or one for all.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Column<T> {
    Same(T),
    Each(Vec<T>),
}

impl<T: Copy + Default> Column<T> {
    pub(super) fn values(&self) -> &[T] {
        match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }

    fn at(&self, place: usize) -> T {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(place).copied().unwrap_or_default(),
        }
    }
}

impl Columns {
    pub(super) fn of(jobs: Option<Vec<Uuid>>, data: &str) -> Result<Self> {
        let columns: Self =
            serde_json::from_str(data).map_err(|error| Error::Internal(error.into()))?;
        Ok(match jobs {
            Some(job) => Self { job, ..columns },
            None => columns,
        })
    }

    pub(super) fn named(self, time: DateTime<Utc>, names: &Names) -> Ended {
        let mut jobs = Vec::with_capacity(self.job.len());
        let (error, correlation) =
            (self.error.unwrap_or_default(), self.correlation.unwrap_or_default());
        let depth = self.depth.unwrap_or_default();
        for (at, job) in self.job.into_iter().enumerate() {
            jobs.push(EndedJob {
                job: JobId::from(job),
                r#type: type_of(self.state.at(at)),
                kind: names.kind(self.kind.at(at)),
                queue: names.queue(self.queue.at(at)),
                attempt: self.attempt.at(at).unsigned_abs().into(),
                error: error.get(at).cloned().flatten(),
                depth: depth.get(at).copied().flatten().unwrap_or_default(),
                correlation_id: correlation.get(at).cloned().flatten(),
            });
        }
        Ended { time, jobs }
    }
}

fn type_of(state: i16) -> &'static str {
    match state {
        0 => JOB_SUCCEEDED,
        1 => JOB_FAILED,
        _ => JOB_CANCELLED,
    }
}

impl EndedJob {
    /// The event, at its position.
    #[must_use]
    pub fn envelope(&self, time: DateTime<Utc>, sequence: u64) -> Envelope {
        let data = JobEvent {
            job: self.job,
            kind: self.kind.to_string(),
            queue: self.queue.to_string(),
            attempt: self.attempt,
            error: self.error.clone(),
        };
        Envelope {
            specversion: SPEC_VERSION.to_owned(),
            // A job that is retried by hand ends again, with another attempt.
            id: format!("{}.{}.{}", self.job, self.attempt, event::state_of(self.r#type)),
            source: SERVER.to_owned(),
            r#type: self.r#type.to_owned(),
            time,
            sequence,
            correlationid: self.correlation_id.clone(),
            depth: self.depth,
            key: Some(self.job.to_string()),
            traceparent: None,
            data: serde_json::to_value(data).unwrap_or_default(),
        }
    }
}
