//! Results that may be served again: those of tools that said for how long.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lru::LruCache;
use metrics::Counter;
use mindflight_core::Caller;
use mindflight_core::policy::canonical;
use mindflight_core::tools::Options;
use serde_json::Value;
use tokio::time::Instant;

/// What an entry costs besides its texts, in bytes; an estimate, so that many small results are bounded too.
const OVERHEAD: usize = 256;

/// Results of this instance, bounded by their size; the least recently used go first.
pub(crate) struct Cache {
    held: Mutex<Held>,
    limit: usize,
    hits: Counter,
    misses: Counter,
}

struct Held {
    results: LruCache<Key, Stored>,
    bytes: usize,
}

/// What makes two calls the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The tool's wire name.
    tool: String,
    /// Whose result it is; empty if it is everybody's.
    space: String,
    /// The arguments with their members in order.
    arguments: String,
}

struct Stored {
    result: Value,
    until: Instant,
    bytes: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Cache {
    /// At most `limit` bytes; 0 keeps nothing.
    pub(crate) fn new(limit: usize) -> Self {
        let meter =
            |outcome| metrics::counter!("mindflight_tool_cache_total", "outcome" => outcome);
        let held = Held { results: LruCache::unbounded(), bytes: 0 };
        Self { held: Mutex::new(held), limit, hits: meter("hit"), misses: meter("miss") }
    }

    /// What a call's result is kept under, if it may be kept.
    pub(crate) fn key(
        &self,
        (tool, options): (&str, &Options),
        caller: &Caller,
        arguments: &Value,
    ) -> Option<Key> {
        if self.limit == 0 || options.cache_for.is_none() {
            return None;
        }
        let space = if options.cache_shared { String::new() } else { caller.space() };
        Some(Key { tool: tool.to_owned(), space, arguments: canonical(arguments) })
    }

    /// The result that is still good.
    pub(crate) fn get(&self, key: &Key) -> Option<Value> {
        let mut held = self.held();
        let good = held.results.get(key).map(|stored| stored.until > Instant::now());
        if good == Some(true) {
            self.hits.increment(1);
            return held.results.peek(key).map(|stored| stored.result.clone());
        }
        held.remove(key);
        self.misses.increment(1);
        None
    }

    /// Keeps a result for `time`.
    pub(crate) fn put(&self, key: Key, result: &Value, time: Duration) {
        let texts = [&key.tool, &key.space, &key.arguments, &result.to_string()];
        let bytes = OVERHEAD + texts.iter().map(|text| text.len()).sum::<usize>();
        if bytes > self.limit {
            return;
        }
        let stored = Stored { result: result.clone(), until: Instant::now() + time, bytes };
        let mut held = self.held();
        held.remove(&key);
        held.bytes += bytes;
        held.results.put(key, stored);
        while held.bytes > self.limit {
            let Some((_, oldest)) = held.results.pop_lru() else { break };
            held.bytes -= oldest.bytes;
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn remove(&mut self, key: &Key) {
        if let Some(stored) = self.results.pop(key) {
            self.bytes -= stored.bytes;
        }
    }
}
