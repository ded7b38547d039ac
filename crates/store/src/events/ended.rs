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

/// Jobs that ended together, in the order of their positions. Kept as they came: mostly nobody asks for any of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    time: DateTime<Utc>,
    jobs: Vec<Uuid>,
    kind: Column<Arc<str>>,
    queue: Column<Arc<str>>,
    state: Column<i16>,
    attempt: Column<i16>,
    error: Vec<Option<String>>,
    depth: Vec<Option<u32>>,
    correlation: Vec<Option<String>>,
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(super) enum Column<T> {
    Same(T),
    Each(Vec<T>),
}

impl<T> Column<T> {
    pub(super) fn values(&self) -> &[T] {
        match self {
            Self::Same(value) => std::slice::from_ref(value),
            Self::Each(values) => values,
        }
    }

    fn at(&self, place: usize) -> Option<&T> {
        match self {
            Self::Same(value) => Some(value),
            Self::Each(values) => values.get(place),
        }
    }

    fn map<U>(self, change: impl FnMut(T) -> U) -> Column<U> {
        let mut change = change;
        match self {
            Self::Same(value) => Column::Same(change(value)),
            Self::Each(values) => Column::Each(values.into_iter().map(change).collect()),
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
        Ended {
            time,
            jobs: self.job,
            kind: self.kind.map(|number| names.kind(number)),
            queue: self.queue.map(|number| names.queue(number)),
            state: self.state,
            attempt: self.attempt,
            error: self.error.unwrap_or_default(),
            depth: self.depth.unwrap_or_default(),
            correlation: self.correlation.unwrap_or_default(),
        }
    }
}

impl Ended {
    /// How many they are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.jobs.len()
    }

    /// The type of the event of the job at a place.
    #[must_use]
    pub fn type_at(&self, place: usize) -> Option<&'static str> {
        self.state.at(place).copied().map(type_of)
    }

    /// The event of the job at a place, which has this position.
    #[must_use]
    pub fn envelope(&self, place: usize, sequence: u64) -> Option<Envelope> {
        let job = JobId::from(*self.jobs.get(place)?);
        let attempt = self.attempt.at(place)?.unsigned_abs();
        let r#type = self.type_at(place)?;
        let data = JobEvent {
            job,
            kind: self.kind.at(place)?.to_string(),
            queue: self.queue.at(place)?.to_string(),
            attempt: attempt.into(),
            error: self.error.get(place).cloned().flatten(),
        };
        Some(Envelope {
            specversion: SPEC_VERSION.to_owned(),
            // A job that is retried by hand ends again, with another attempt.
            id: format!("{job}.{attempt}.{}", event::state_of(r#type)),
            source: SERVER.to_owned(),
            r#type: r#type.to_owned(),
            time: self.time,
            sequence,
            correlationid: self.correlation.get(place).cloned().flatten(),
            depth: self.depth.get(place).copied().flatten().unwrap_or_default(),
            key: Some(job.to_string()),
            traceparent: None,
            data: serde_json::to_value(data).unwrap_or_default(),
        })
    }
}

fn type_of(state: i16) -> &'static str {
    match state {
        0 => JOB_SUCCEEDED,
        1 => JOB_FAILED,
        _ => JOB_CANCELLED,
    }
}
