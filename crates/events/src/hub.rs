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

    /// Up to `limit` rows after a position.
    pub(crate) fn after(&self, position: u64, limit: usize) -> Found {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        let start = ring.entries.partition_point(|entry| entry.logged.last <= position);
        let rows: Vec<_> = ring.entries.range(start..).take(limit).cloned().collect();
        let head = self.head.borrow().as_ref().map_or(0, |head| head.position);
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
