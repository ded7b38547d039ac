//! The numbers of kinds, queues and gates, asked for once a process.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mindflight_core::Result;
use mindflight_store::jobs::{Limit, Names};

/// The numbers behind names, remembered.
pub(crate) struct Numbers {
    names: Names,
    without_history: HashSet<String>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    kinds: HashMap<String, i32>,
    queues: HashMap<String, i16>,
    gates: HashMap<(String, Limit), i32>,
    pairs: HashSet<(i16, i32)>,
}

/// Gates whose values come from arguments could be many: what is remembered of them has an end.
const MOST_GATES: usize = 10_000;

impl Numbers {
    pub(crate) fn new(names: Names, without_history: HashSet<String>) -> Self {
        Self { names, without_history, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered<K, V: Copy>(&self, map: impl Fn(&Known) -> &HashMap<K, V>, key: &K) -> Option<V>
    where
        K: Eq + Hash,
    {
        map(&self.known()).get(key).copied()
    }

    pub(crate) async fn kind(&self, name: &str) -> Result<i32> {
        let key = name.to_owned();
        if let Some(number) = self.remembered(|known| &known.kinds, &key) {
            return Ok(number);
        }
        let number = self.names.kind(name).await?;
        self.known().kinds.insert(key, number);
        Ok(number)
    }

    pub(crate) async fn queue(&self, name: &str) -> Result<i16> {
        let key = name.to_owned();
        if let Some(number) = self.remembered(|known| &known.queues, &key) {
            return Ok(number);
        }
        let number = self.names.queue(name, !self.without_history.contains(name)).await?;
        self.known().queues.insert(key, number);
        Ok(number)
    }

    pub(crate) async fn gate(&self, name: &str, limit: Limit) -> Result<i32> {
        let key = (name.to_owned(), limit);
        if let Some(number) = self.remembered(|known| &known.gates, &key) {
            return Ok(number);
        }
        let number = self.names.gate(name, limit).await?;
        let mut known = self.known();
        if known.gates.len() >= MOST_GATES {
            known.gates.clear();
        }
        known.gates.insert(key, number);
        Ok(number)
    }

    /// Notes that the kind is put into the queue; whether that is new to this process.
    pub(crate) async fn pair(&self, queue: i16, kind: i32) -> Result<bool> {
        if self.known().pairs.contains(&(queue, kind)) {
            return Ok(false);
        }
        self.names.pair(queue, kind).await?;
        Ok(self.known().pairs.insert((queue, kind)))
    }
}
