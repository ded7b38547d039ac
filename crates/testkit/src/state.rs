//! All that a kit remembers: memory, jobs, events and audit rows. A transaction works on a copy of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::jobs::Options;
use mindflight_core::policy::{Unique, own_key, unique_key};
use mindflight_core::ports::{NewEvent, NewJob, Record, Set, Stored, Written};
use mindflight_core::{Error, Result};
use serde_json::Value;

use crate::ledger::Ledger;

#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) memory: BTreeMap<(String, String), Stored>,
    pub(crate) jobs: Vec<Recorded>,
    pub(crate) events: Vec<NewEvent>,
    /// How many of them have come to the provider's own subscriptions.
    pub(crate) heard: usize,
    /// The newest position that an event got.
    pub(crate) position: u64,
    pub(crate) audit: Vec<Record>,
}

/// A job that was asked for.
#[derive(Clone)]
pub(crate) struct Recorded {
    pub(crate) id: JobId,
    pub(crate) job: NewJob,
    /// When its first attempt is due.
    pub(crate) due: DateTime<Utc>,
    pub(crate) priority: u8,
    /// The key that it holds until it ends, or until it starts.
    key: Option<Key>,
}

/// Under one of these, there is one job at a time.
#[derive(Clone)]
struct Key {
    key: String,
    until_start: bool,
    /// It is taken until then, whatever becomes of the job.
    until: Option<DateTime<Utc>>,
}

impl State {
    pub(crate) fn get(&self, space: &str, key: &str, now: DateTime<Utc>) -> Option<Stored> {
        let stored = self.memory.get(&(space.to_owned(), key.to_owned()));
        stored.filter(|stored| is_alive(stored, now)).cloned()
    }

    pub(crate) fn set(
        &mut self,
        (space, key): (&str, &str),
        value: Value,
        how: Set,
        now: DateTime<Utc>,
    ) -> Result<Written> {
        let before = self.get(space, key, now);
        let version = before.as_ref().map_or(0, |stored| stored.version);
        if how.if_version.is_some_and(|expected| expected != version) {
            return Err(Error::conflict(format!(
                "`{key}` has version {version}, not the expected one"
            )));
        }
        let stored = Stored {
            key: key.to_owned(),
            value,
            version: version + 1,
            created_at: before.as_ref().map_or(now, |stored| stored.created_at),
            updated_at: now,
            expires_at: how.ttl.map(|ttl| now + ttl),
        };
        self.memory.insert((space.to_owned(), key.to_owned()), stored);
        Ok(Written { version: version + 1, previous: before.map(|stored| stored.value) })
    }

    pub(crate) fn add(
        &mut self,
        space: &str,
        key: &str,
        by: i64,
        now: DateTime<Utc>,
    ) -> Result<i64> {
        let before = self.get(space, key, now);
        let number = before.as_ref().map_or(Some(0), |stored| stored.value.as_i64());
        let sum = number.and_then(|number| number.checked_add(by)).ok_or_else(|| {
            Error::conflict(format!("`{key}` holds no integer that {by} can be added to"))
        })?;
        self.set((space, key), Value::from(sum), Set::default(), now)?;
        // Adding leaves the time to live alone.
        if let Some(stored) = self.memory.get_mut(&(space.to_owned(), key.to_owned())) {
            stored.expires_at = before.and_then(|stored| stored.expires_at);
        }
        Ok(sum)
    }

    pub(crate) fn list(
        &self,
        space: &str,
        (prefix, after): (&str, Option<&str>),
        limit: u32,
        now: DateTime<Utc>,
    ) -> Vec<Stored> {
        let at = |key: &str| (space.to_owned(), key.to_owned());
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(at(after)),
            Some(_) | None => Bound::Included(at(prefix)),
        };
        self.memory
            .range((from, Bound::Unbounded))
            .take_while(|((of, key), _)| of == space && key.starts_with(prefix))
            .map(|(_, stored)| stored)
            .filter(|stored| is_alive(stored, now))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect()
    }

    /// Writes a job down, or gives the one that has its key.
    pub(crate) fn enqueue(
        &mut self,
        job: NewJob,
        kind: Option<&Options>,
        ledger: &Ledger,
        now: DateTime<Utc>,
    ) -> JobId {
        let key = Key::of(&job, kind, now);
        let has_key = |other: &&Recorded| match (&key, &other.key) {
            (Some(key), Some(taken)) => key.key == taken.key && other.keeps(taken, ledger, now),
            _ => false,
        };
        if let Some(other) = self.jobs.iter().find(has_key) {
            return other.id;
        }
        let options = &job.options;
        let due = options.delay.map(|delay| now + delay).or(options.run_at).unwrap_or(now);
        let priority = options.priority.or(kind.map(|kind| kind.priority));
        let priority = priority.unwrap_or(Options::default().priority).min(9);
        let id = options.id.unwrap_or_else(JobId::new);
        self.jobs.push(Recorded { id, job, due, priority, key });
        id
    }

    pub(crate) fn publish(&mut self, event: NewEvent) -> Result<String> {
        event.check()?;
        if let Some(id) = event.id.clone() {
            let is_same_id =
                |other: &&NewEvent| other.source == event.source && other.id == event.id;
            if let Some(other) = self.events.iter().find(is_same_id) {
                let is_same = (&other.r#type, &other.key, &other.data)
                    == (&event.r#type, &event.key, &event.data);
                let taken = || Error::conflict(format!("the id {id:?} was used for another event"));
                return if is_same { Ok(id) } else { Err(taken()) };
            }
        }
        self.events.push(event);
        Ok(id_of(&self.events, self.events.len() - 1))
    }
}

impl Recorded {
    /// Whether it still holds its key.
    fn keeps(&self, key: &Key, ledger: &Ledger, now: DateTime<Utc>) -> bool {
        match key.until {
            Some(until) => until > now,
            None => {
                ledger.life(self.id).is_none_or(|life| !key.until_start && !life.state.is_final())
            }
        }
    }
}

impl Key {
    fn of(job: &NewJob, kind: Option<&Options>, now: DateTime<Utc>) -> Option<Self> {
        let (said, usual) = (job.options.unique.as_ref(), Unique::default());
        let (unique, key) = match &job.options.unique_key {
            Some(own) => {
                let unique = said.unwrap_or(&usual);
                (unique, own_key(&job.kind, own, unique, now))
            }
            None => {
                let unique = said.or_else(|| kind?.unique.as_ref())?;
                (unique, unique_key(&job.kind, &job.args, unique, now))
            }
        };
        let (until_start, until) = (unique.is_until_start(), unique.taken_until(now));
        Some(Self { key, until_start, until })
    }
}

/// The id of an event that the provider published: its own, or one by its place.
pub(crate) fn id_of(events: &[NewEvent], at: usize) -> String {
    let given = events.get(at).and_then(|event| event.id.clone());
    given.unwrap_or_else(|| format!("event-{}", at + 1))
}

fn is_alive(stored: &Stored, now: DateTime<Utc>) -> bool {
    stored.expires_at.is_none_or(|end| end > now)
}
