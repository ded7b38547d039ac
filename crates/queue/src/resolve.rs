//! From what somebody asked for to the row that is written: defaults of the kind, keys, gates, numbers.

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::nul::has_nul;
use mindflight_core::policy::{Unique, unique_key};
use mindflight_core::ports::{Clock, NewJob};
use mindflight_core::{Caller, Error, Result};
use mindflight_store::jobs::{Due, NewRow};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

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
    pub provider: String,
    /// The queue.
    pub queue: String,
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
    /// Whether the pair of queue and kind is new to this process.
    pub(crate) is_new: bool,
}

/// What resolving needs.
pub(crate) struct Resolver<'a> {
    pub(crate) kinds: &'a Kinds,
    pub(crate) numbers: &'a Numbers,
    pub(crate) clock: &'a dyn Clock,
}

impl Resolver<'_> {
    /// The row to write.
    pub(crate) async fn row(&self, request: Request) -> Result<Resolved> {
        let Request { job, caller } = request;
        let runs = self.kinds.get(&job.kind)?;
        let declared = runs.options();
        let queue = job.options.queue.as_deref().or(declared.queue.as_deref());
        let queue_name = queue.unwrap_or(runs.provider()).to_owned();
        let queue = self.numbers.queue(&queue_name).await?;
        let kind = self.numbers.kind(&job.kind).await?;
        let is_new = self.numbers.pair(queue, kind).await?;
        let gate = match gate(&job, &runs) {
            Some((name, slots)) => Some(self.numbers.gate(&name, slots).await?),
            None => None,
        };
        let max_attempts = job.options.max_attempts.unwrap_or(declared.max_attempts);
        let (due, run_at) = match (job.options.delay, job.options.run_at) {
            (Some(delay), _) => (Due::After(delay), Some(self.clock.now() + delay)),
            (None, Some(time)) => (Due::At(time), Some(time)),
            (None, None) => (Due::Now, None),
        };
        let unique = unique(&job, &runs, self.clock);
        let mut meta = meta(&job, &runs, caller.as_ref());
        // A retry by hand takes the key again, and waits for the gate again.
        if let Some((key, until_start)) = &unique {
            meta.insert("key".to_owned(), json!(key));
            meta.insert("until_start".to_owned(), json!(until_start));
        }
        if let Some(gate) = gate {
            meta.insert("gate".to_owned(), json!(gate));
        }
        let row = NewRow {
            id: JobId::new(),
            kind,
            queue,
            priority: job.options.priority.unwrap_or(declared.priority).min(9),
            max_attempts: u16::try_from(max_attempts.clamp(1, MOST_ATTEMPTS)).unwrap_or(1),
            due,
            meta: (!meta.is_empty()).then_some(Value::Object(meta)),
            // A tool runs as whoever called it; what comes of an event says so.
            needs_meta: matches!(runs, Runs::Tool { .. }) || job.options.cause.is_some(),
            unique,
            gate,
            outer_gate: None,
            after: Vec::new(),
            is_awaited: false,
            args: text(&job.args)?,
        };
        let made = Made {
            provider: runs.provider().to_owned(),
            queue: queue_name,
            priority: row.priority,
            max_attempts: row.max_attempts,
            tags: tags(&job, &runs),
            run_at,
        };
        Ok(Resolved { row, made, is_new })
    }
}

fn text(args: &Value) -> Result<String> {
    if has_nul(args) {
        let detail = "the arguments have a NUL character (\\u0000), which cannot be stored";
        return Err(Error::of(mindflight_api::codes::INVALID_REQUEST, detail));
    }
    Ok(args.to_string())
}

fn unique(job: &NewJob, runs: &Runs, clock: &dyn Clock) -> Option<(String, bool)> {
    if let Some(key) = &job.options.unique_key {
        return Some((short(format!("{}:{key}", job.kind)), false));
    }
    let unique: &Unique = runs.options().unique.as_ref()?;
    let key = unique_key(&job.kind, &job.args, unique, clock.now());
    Some((short(key), unique.until_start))
}

/// The gate of a job: one for each value of the argument that its kind names, else one for the kind.
fn gate(job: &NewJob, runs: &Runs) -> Option<(String, u32)> {
    let options = runs.options();
    if let Some((argument, slots)) = &options.concurrency_by {
        let value = job.args.get(argument).unwrap_or(&Value::Null);
        return Some((short(format!("{}:{argument}={value}", job.kind)), *slots));
    }
    options.concurrency.map(|slots| (job.kind.clone(), slots))
}

fn short(key: String) -> String {
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
    if let Some(caller) = caller {
        meta.insert("owner".to_owned(), json!(caller.space()));
        if matches!(runs, Runs::Tool { .. }) {
            meta.insert("caller".to_owned(), crate::caller::write(caller));
            meta.insert("provider".to_owned(), json!(runs.provider()));
        }
    }
    meta
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_hashed_and_stay_different() {
        let (a, b) = ("a".repeat(400), format!("{}b", "a".repeat(399)));
        assert_eq!(short("mail.sync:k".to_owned()), "mail.sync:k");
        assert_ne!(short(a.clone()), short(b));
        assert!(short(a).len() < 200);
    }
}
