//! From what somebody asked for to the row that is written: defaults of the kind, keys, gates, numbers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::nul;
use mindflight_core::policy::{Unique, own_key, unique_key};
use mindflight_core::ports::{Clock, NewJob, OnFailure};
use mindflight_core::{Caller, Error, Result};
use mindflight_store::jobs::{Due, NewRow, UniqueKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::gates::gates;
use crate::kinds::{Kinds, Runs};
use crate::numbers::Numbers;

/// Keys up to this length stay readable; longer ones are hashed.
const READABLE: usize = 300;

/// The most attempts that can be asked for.
const MOST_ATTEMPTS: u32 = 1000;

/// A job that somebody asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The job.
    pub job: NewJob,
    /// Who asks, unless it is a provider.
    pub caller: Option<Caller>,
}

/// What a job was made as, where its kind or the server decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The provider's mounted name.
    pub provider: Arc<str>,
    /// The queue.
    pub queue: Arc<str>,
    /// 0–9, lower first.
    pub priority: u8,
    /// Attempts before it has failed.
    pub max_attempts: u16,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// When it is due, if not at once.
    pub run_at: Option<DateTime<Utc>>,
}

/// A row to write, and what is to be said about it.
pub(crate) struct Resolved {
    pub(crate) row: NewRow,
    pub(crate) made: Made,
}

/// What jobs of one kind in one queue have in common.
pub(crate) struct Sort {
    kind: String,
    asked_queue: Option<String>,
    runs: Runs,
    provider: Arc<str>,
    queue_name: Arc<str>,
    queue: i16,
    number: i32,
    /// Whether the pair of queue and kind is new to this process.
    pub(crate) is_new: bool,
}

impl Sort {
    pub(crate) fn is_of(&self, job: &NewJob) -> bool {
        self.kind == job.kind && self.asked_queue == job.options.queue
    }
}

/// What resolving needs.
pub(crate) struct Resolver<'a> {
    pub(crate) kinds: &'a Kinds,
    pub(crate) numbers: &'a Numbers,
    pub(crate) clock: &'a dyn Clock,
}

impl Resolver<'_> {
    /// What this job has in common with others.
    pub(crate) async fn sort(&self, job: &NewJob) -> Result<Sort> {
        let runs = self.kinds.get(&job.kind)?;
        let asked_queue = job.options.queue.clone();
        let queue = asked_queue.as_deref().or(runs.options().queue.as_deref());
        let provider: Arc<str> = runs.provider().into();
        let queue_name = queue.map_or_else(|| provider.clone(), Arc::from);
        let queue = self.numbers.queue(&queue_name).await?;
        let number = self.numbers.kind(&job.kind).await?;
        let is_new = self.numbers.pair(queue, number).await?;
        let kind = job.kind.clone();
        Ok(Sort { kind, asked_queue, runs, provider, queue_name, queue, number, is_new })
    }

    /// The row to write.
    pub(crate) async fn row(&self, request: &Request, sort: &mut Sort) -> Result<Resolved> {
        let Request { job, caller } = request;
        sort.is_new = false;
        let Sort { runs, provider, queue_name, queue, number: kind, .. } = &*sort;
        let declared = runs.options();
        let (mut gate, mut outer_gate) = (None, None);
        for (name, limit) in gates(job, declared) {
            let number = self.numbers.gate(&name, limit).await?;
            match gate {
                None => gate = Some(number),
                Some(_) => outer_gate = Some(number),
            }
        }
        let max_attempts = job.options.max_attempts.unwrap_or(declared.max_attempts);
        let (due, run_at) = match (job.options.delay, job.options.run_at) {
            (Some(delay), _) => (Due::After(delay), Some(self.clock.now() + delay)),
            (None, Some(time)) => (Due::At(time), Some(time)),
            (None, None) => (Due::Now, None),
        };
        let unique = unique(job, runs, self.clock);
        let mut meta = meta(job, runs, caller.as_ref());
        // A retry by hand takes the key again, and waits for the gates again.
        if let Some(unique) = &unique {
            meta.insert("key".to_owned(), json!(unique.key));
            meta.insert("until_start".to_owned(), json!(unique.until_start));
            if let Some(until) = unique.expires_at {
                meta.insert("key_until".to_owned(), json!(until));
            }
        }
        if let Some(gate) = gate {
            meta.insert("gate".to_owned(), json!(gate));
        }
        if let Some(outer_gate) = outer_gate {
            meta.insert("outer_gate".to_owned(), json!(outer_gate));
        }
        let row = NewRow {
            id: job.options.id.unwrap_or_else(JobId::new),
            kind: *kind,
            queue: *queue,
            priority: job.options.priority.unwrap_or(declared.priority).min(9),
            max_attempts: u16::try_from(max_attempts.clamp(1, MOST_ATTEMPTS)).unwrap_or(1),
            due,
            meta: (!meta.is_empty()).then_some(Value::Object(meta)),
            // A tool runs as whoever called it; what comes of an event says so.
            needs_meta: runs_as_caller(runs) || job.options.cause.is_some(),
            unique,
            gate,
            outer_gate,
            after: job.options.after.clone(),
            is_awaited: false,
            args: text(&job.args)?,
        };
        let made = Made {
            provider: provider.clone(),
            queue: queue_name.clone(),
            priority: row.priority,
            max_attempts: row.max_attempts,
            tags: tags(job, runs),
            run_at,
        };
        Ok(Resolved { row, made })
    }
}

fn text(args: &Value) -> Result<String> {
    let (text, has_nul) = nul::to_json(args);
    if has_nul {
        let detail = "the arguments have a NUL character (\\u0000), which cannot be stored";
        return Err(Error::of(mindflight_api::codes::INVALID_REQUEST, detail));
    }
    Ok(text)
}

/// What the job says itself, or else what its kind declares.
fn unique(job: &NewJob, runs: &Runs, clock: &dyn Clock) -> Option<UniqueKey> {
    let (said, own) = (job.options.unique.as_ref(), job.options.unique_key.as_ref());
    let usual = Unique::default();
    let unique = match own {
        Some(_) => said.unwrap_or(&usual),
        None => said.or(runs.options().unique.as_ref())?,
    };
    let now = clock.now();
    let key = match own {
        Some(own) => own_key(&job.kind, own, unique, now),
        None => unique_key(&job.kind, &job.args, unique, now),
    };
    Some(UniqueKey {
        key: short(key),
        until_start: unique.is_until_start(),
        expires_at: unique.taken_until(now),
    })
}

/// A name that is short enough to be one.
pub(crate) fn short(key: String) -> String {
    if key.len() <= READABLE {
        return key;
    }
    let digest = Sha256::digest(key.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let start: String = key.chars().take(READABLE / 4).collect();
    format!("{start}#{hex}")
}

fn tags(job: &NewJob, runs: &Runs) -> Vec<String> {
    runs.options().tags.iter().chain(&job.options.tags).cloned().collect()
}

/// Whether attempts have to know who made the job.
fn runs_as_caller(runs: &Runs) -> bool {
    matches!(runs, Runs::Tool { .. }) || runs.options().as_caller
}

/// What few jobs have; nothing at all for most.
fn meta(job: &NewJob, runs: &Runs, caller: Option<&Caller>) -> Map<String, Value> {
    let mut meta = Map::new();
    let tags = tags(job, runs);
    if !tags.is_empty() {
        meta.insert("tags".to_owned(), json!(tags));
    }
    if let Some(cause) = &job.options.cause {
        meta.insert("cause".to_owned(), json!(cause));
    }
    if let Some(key) = &job.options.unique_key {
        meta.insert("unique_key".to_owned(), json!(key));
    }
    if !job.options.after.is_empty() && job.options.on_failure == OnFailure::Run {
        meta.insert("on_failure".to_owned(), json!(job.options.on_failure));
    }
    if let Some(caller) = caller {
        meta.insert("owner".to_owned(), json!(caller.space()));
        if runs_as_caller(runs) {
            meta.insert("caller".to_owned(), crate::caller::write(caller));
        }
        if matches!(runs, Runs::Tool { .. }) {
            meta.insert("provider".to_owned(), json!(runs.provider()));
        }
    }
    meta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_with_a_nul_are_refused() {
        let error = text(&json!({"a": ["\0"]})).unwrap_err();
        assert!(error.detail().contains("the arguments have a NUL character"), "{error:?}");
    }

    #[test]
    fn long_keys_are_hashed_and_stay_different() {
        let (a, b) = ("a".repeat(400), format!("{}b", "a".repeat(399)));
        assert_eq!(short("mail.sync:k".to_owned()), "mail.sync:k");
        assert_ne!(short(a.clone()), short(b));
        assert!(short(a).len() < 200);
    }
}
