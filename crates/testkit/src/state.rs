//! All that a kit remembers: memory, jobs, events and audit rows. A transaction works on a copy of it.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::{DateTime, Utc};
use mindflight_api::JobId;
use mindflight_core::ports::{NewEvent, NewJob, Record, Set, Stored, Written};
use mindflight_core::{Error, Result};
use serde_json::Value;

#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) memory: BTreeMap<(String, String), Stored>,
    pub(crate) jobs: Vec<(JobId, NewJob)>,
    pub(crate) events: Vec<NewEvent>,
    pub(crate) audit: Vec<Record>,
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

    /// No job of a kit ends, so a unique key is taken for ever.
    pub(crate) fn enqueue(&mut self, job: NewJob) -> JobId {
        let same = |other: &NewJob| {
            other.kind == job.kind
                && other.options.unique_key.is_some()
                && other.options.unique_key == job.options.unique_key
        };
        if let Some((id, _)) = self.jobs.iter().find(|(_, other)| same(other)) {
            return *id;
        }
        let id = JobId::new();
        self.jobs.push((id, job));
        id
    }

    pub(crate) fn publish(&mut self, event: NewEvent) -> Result<String> {
        if !is_type(&event.r#type) {
            return Err(Error::invalid(format!(
                "`{}` is no type of event: types are lower-case words with dots between, and `mindflight.*` is the server's",
                event.r#type
            )));
        }
        self.events.push(event);
        Ok(format!("event-{}", self.events.len()))
    }
}

fn is_alive(stored: &Stored, now: DateTime<Utc>) -> bool {
    stored.expires_at.is_none_or(|end| end > now)
}

fn is_type(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let words = || text.split('.');
    text.len() <= 128
        && words().all(|word| !word.is_empty() && word.chars().all(legal))
        && words().next() != Some("mindflight")
}
