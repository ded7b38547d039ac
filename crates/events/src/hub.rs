//! The newest events in memory, and how far the log is: what all subscribers of a process share.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use mindflight_api::event::{Place, Reset, ResetReason};
use mindflight_store::events::{Logged, Standing};
use tokio::sync::watch;

use crate::entry::Entry;

/// What all subscribers of a process share.
pub(crate) struct Hub {
    ring: RwLock<Ring>,
    /// None until the log was looked at for the first time.
    head: watch::Sender<Option<Head>>,
    most: (usize, usize),
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

/// How far the log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) epoch: Arc<str>,
    /// Positions up to here are gone.
    pub(crate) gone: u64,
    /// The newest position.
    pub(crate) position: u64,
}

/// What the memory has after a position.
pub(crate) enum Found {
    /// The next rows, in order; none if there are none.
    Rows(Vec<Arc<Entry>>),
    /// They are not in memory any more.
    Behind,
}

impl Head {
    pub(crate) fn reset(&self, reason: ResetReason) -> Reset {
        let place = |position| Place { epoch: self.epoch.to_string(), position };
        Reset { reason, oldest: place(self.gone), head: place(self.position) }
    }
}

impl Hub {
    /// Keeps so many rows and bytes.
    pub(crate) fn new(rows: usize, bytes: usize) -> Self {
        Self { ring: RwLock::default(), head: watch::Sender::new(None), most: (rows.max(1), bytes) }
    }

    pub(crate) fn head(&self) -> Option<Head> {
        self.head.borrow().clone()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Option<Head>> {
        self.head.subscribe()
    }

    /// How many watch: subscribers, and consumers.
    pub(crate) fn watchers(&self) -> usize {
        self.head.receiver_count()
    }

    /// Up to `limit` rows after a position of this epoch.
    pub(crate) fn after(&self, epoch: &str, position: u64, limit: usize) -> Found {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        // As it is while nobody can change the ring: another epoch has begun if it is not the reader's.
        let head = match &*self.head.borrow() {
            Some(head) if *head.epoch == *epoch => head.position,
            _ => return Found::Rows(Vec::new()),
        };
        let start = ring.entries.partition_point(|entry| entry.logged.last <= position);
        let rows: Vec<_> = ring.entries.range(start..).take(limit).cloned().collect();
        match rows.first() {
            Some(first) if first.logged.first > position + 1 => Found::Behind,
            None if position < head => Found::Behind,
            _ => Found::Rows(rows),
        }
    }

    /// What was looked at for the first time, or has another history now: what is in memory is forgotten.
    pub(crate) fn begin(&self, standing: &Standing) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        *ring = Ring::default();
        self.head.send_replace(Some(Head {
            epoch: standing.epoch.as_str().into(),
            gone: standing.gone,
            position: standing.head,
        }));
    }

    /// Adds rows that come next, and wakes everybody.
    pub(crate) fn add(&self, rows: Vec<Logged>) {
        let Some(last) = rows.last().map(|row| row.last) else { return };
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            let entry = Entry::new(row);
            ring.bytes += entry.bytes();
            ring.entries.push_back(Arc::new(entry));
        }
        while ring.entries.len() > self.most.0 || ring.bytes > self.most.1 {
            // The newest stays, however large it is.
            if ring.entries.len() <= 1 {
                break;
            }
            let oldest = ring.entries.pop_front();
            ring.bytes -= oldest.map_or(0, |oldest| oldest.bytes());
        }
        drop(ring);
        self.head.send_modify(|head| {
            if let Some(head) = head {
                head.position = last;
            }
        });
    }

    /// The log is this far, and nobody here wants what came: whoever comes and asks for it reads the table.
    pub(crate) fn skip(&self, position: u64) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        *ring = Ring::default();
        self.head.send_if_modified(|head| match head {
            Some(head) if head.position < position => {
                head.position = position;
                true
            }
            _ => false,
        });
    }

    /// Positions up to here are gone.
    pub(crate) fn gone(&self, gone: u64) {
        self.head.send_if_modified(|head| match head {
            Some(head) if head.gone != gone => {
                head.gone = gone;
                true
            }
            _ => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use mindflight_store::events::Body;
    use serde_json::json;

    use super::*;

    fn row(position: u64) -> Logged {
        let envelope = json!({
            "specversion": "1.0", "id": "a", "source": "test", "type": "test.x", "depth": 0,
            "time": "2026-11-21T12:00:00Z", "sequence": position.to_string(), "data": null,
        });
        let envelope = serde_json::from_value(envelope).unwrap();
        Logged { first: position, last: position, seq: 0, body: Body::One(Box::new(envelope)) }
    }

    fn hub(rows: usize, bytes: usize) -> Hub {
        let hub = Hub::new(rows, bytes);
        hub.begin(&Standing { epoch: "a".to_owned(), gone: 0, head: 10 });
        hub
    }

    fn after(hub: &Hub, epoch: &str, position: u64) -> Option<Vec<u64>> {
        match hub.after(epoch, position, 3) {
            Found::Rows(rows) => Some(rows.iter().map(|row| row.logged.first).collect()),
            Found::Behind => None,
        }
    }

    #[test]
    fn what_is_in_memory_is_given_and_the_rest_is_behind() {
        let hub = hub(4, usize::MAX);
        assert_eq!(after(&hub, "a", 9), None, "nothing was read yet");
        assert_eq!(after(&hub, "a", 10), Some(vec![]));
        hub.add((11..=16).map(row).collect());
        assert_eq!(after(&hub, "a", 11), None);
        assert_eq!(after(&hub, "a", 12), Some(vec![13, 14, 15]));
        assert_eq!(after(&hub, "a", 16), Some(vec![]));
        assert_eq!(after(&hub, "a", 99), Some(vec![]), "another process may be further");
        assert_eq!(hub.head().map(|head| head.position), Some(16));
    }

    #[test]
    fn the_newest_stays_however_large_it_is() {
        let hub = hub(100, 1);
        hub.add(vec![row(11), row(12)]);
        assert_eq!(after(&hub, "a", 11), Some(vec![12]));
        assert_eq!(after(&hub, "a", 10), None);
    }

    #[test]
    fn what_nobody_wanted_is_behind_for_whoever_comes_later() {
        let hub = hub(100, usize::MAX);
        hub.add(vec![row(11)]);
        hub.skip(14);
        assert_eq!(after(&hub, "a", 10), None);
        assert_eq!(after(&hub, "a", 13), None);
        assert_eq!(after(&hub, "a", 14), Some(vec![]));
        hub.skip(12);
        assert_eq!(hub.head().map(|head| head.position), Some(14), "it never goes back");
        hub.add(vec![row(15)]);
        assert_eq!(after(&hub, "a", 14), Some(vec![15]));
    }

    #[test]
    fn another_epoch_gives_nothing_to_readers_of_the_one_before() {
        let hub = hub(100, usize::MAX);
        hub.add(vec![row(11)]);
        hub.begin(&Standing { epoch: "b".to_owned(), gone: 2, head: 5 });
        hub.add(vec![row(6)]);
        assert_eq!(after(&hub, "a", 5), Some(vec![]));
        assert_eq!(after(&hub, "b", 5), Some(vec![6]));
        let reset = hub.head().unwrap().reset(ResetReason::Epoch);
        assert_eq!(
            (reset.oldest.to_string(), reset.head.to_string()),
            ("b-2".into(), "b-6".into())
        );
        hub.gone(6);
        assert_eq!(hub.head().unwrap().gone, 6);
    }
}
