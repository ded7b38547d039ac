//! What a job leaves behind, to be compared.

use std::collections::BTreeMap;

use mindflight_core::Provider;
use mindflight_core::ports::{NewEvent, NewJob};
use serde_json::Value;

use crate::Kit;
use crate::graph;
use crate::snapshot::Snapshot;

/// What is there after a job has run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Effects {
    /// The provider's whole memory.
    pub memory: BTreeMap<String, Value>,
    /// Jobs that it asked for; ids among them are numbers from 1 on, which do not differ from run to run.
    pub jobs: Vec<NewJob>,
    /// Events that it published.
    pub events: Vec<NewEvent>,
    /// What it asked the outside, such as `GET https://prices.example/tea`. Not compared: a request that was
    /// sent before a crash has to be sent again.
    pub requests: Vec<String>,
}

impl<P: Provider> Kit<P> {
    /// What is there now, beyond the jobs, events and requests that were there at `begin`.
    pub(super) fn effects_since(&self, begin: &Snapshot) -> Effects {
        let memory = self.memory();
        let keys = memory.keys().into_iter();
        let entry = |key: String| memory.entry(&key).map(|stored| (key, stored.value));
        // Before the state is locked, which looking at an entry does too.
        let memory = keys.filter_map(entry).collect();
        let state = self.world.store.state();
        let jobs = state.jobs.iter().skip(begin.state.jobs.len());
        let events = state.events.iter().skip(begin.state.events.len());
        let sent = self.world.outside.requests();
        let sent = sent.iter().skip(begin.script.sent());
        Effects {
            memory,
            jobs: graph::comparable(jobs),
            events: events.cloned().collect(),
            requests: sent
                .map(|request| format!("{} {}", request.method(), request.uri()))
                .collect(),
        }
    }
}

impl Effects {
    /// In what this differs from `expected`, a line each; empty if in nothing.
    #[must_use]
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let keys = expected.memory.keys().chain(self.memory.keys());
        let keys: std::collections::BTreeSet<&String> = keys.collect();
        for key in keys {
            let (found, expected) = (self.memory.get(key), expected.memory.get(key));
            if found != expected {
                lines.push(format!(
                    "memory `{key}`: {} instead of {}",
                    shown(found),
                    shown(expected)
                ));
            }
        }
        let job = |job: &NewJob| format!("`{}` {}", job.kind, job.args);
        if self.jobs != expected.jobs {
            lines.push(listed("jobs", &self.jobs, &expected.jobs, job));
        }
        let event = |event: &NewEvent| format!("`{}` {}", event.r#type, event.data);
        if self.events != expected.events {
            lines.push(listed("events", &self.events, &expected.events, event));
        }
        lines
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn listed<T>(what: &str, found: &[T], expected: &[T], shown: impl Fn(&T) -> String) -> String {
    let list = |all: &[T]| all.iter().map(&shown).collect::<Vec<_>>().join(", ");
    format!("{what}: [{}] instead of [{}]", list(found), list(expected))
}
