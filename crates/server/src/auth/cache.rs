//! Credentials that were found good, until anything about users and keys changes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use mindflight_core::Caller;

use super::key::Fingerprint;

/// Credentials that are remembered at the same time.
const MOST: usize = 10_000;

/// A credential that was found good.
pub(super) struct Verified {
    pub(super) caller: Caller,
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// The minute of the last use, since 1970.
    minute: AtomicI64,
}

impl Verified {
    pub(super) fn new(caller: Caller, expires_at: Option<DateTime<Utc>>) -> Self {
        Self { caller, expires_at, minute: AtomicI64::new(i64::MIN) }
    }

    pub(super) fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether nothing was noted for this minute yet.
    pub(super) fn is_first_use(&self, now: DateTime<Utc>) -> bool {
        let minute = now.timestamp().div_euclid(60);
        // Read first: a write would take the line from every other core, on every request.
        self.minute.load(Ordering::Relaxed) != minute
            && self.minute.swap(minute, Ordering::Relaxed) != minute
    }
}

/// Credentials by fingerprint.
#[derive(Default)]
pub(super) struct Cache(RwLock<Entries>);

#[derive(Default)]
struct Entries {
    /// Grows whenever all is forgotten.
    generation: u64,
    found: HashMap<Fingerprint, Arc<Verified>>,
}

impl Cache {
    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Arc<Verified>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).found.get(fingerprint).cloned()
    }

    /// To be read before the database is, and given to [`Cache::insert`].
    pub(super) fn generation(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Remembers, unless all was forgotten since `generation`: what was read before may be wrong now.
    pub(super) fn insert(
        &self,
        generation: u64,
        fingerprint: Fingerprint,
        verified: &Arc<Verified>,
    ) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if entries.generation != generation {
            return;
        }
        if entries.found.len() >= MOST {
            entries.found.clear();
        }
        entries.found.insert(fingerprint, Arc::clone(verified));
    }

    pub(super) fn forget_all(&self) {
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        entries.generation += 1;
        entries.found.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified() -> Arc<Verified> {
        Arc::new(Verified::new(Caller::public(), DateTime::from_timestamp(600, 0)))
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let cache = Cache::default();
        let before = cache.generation();
        cache.forget_all();
        cache.insert(before, [1; 32], &verified());
        assert!(cache.get(&[1; 32]).is_none());
        cache.insert(cache.generation(), [1; 32], &verified());
        assert!(cache.get(&[1; 32]).is_some());
        cache.forget_all();
        assert!(cache.get(&[1; 32]).is_none());
    }

    #[test]
    fn memory_is_bounded() {
        let cache = Cache::default();
        for number in 0..=MOST {
            let mut fingerprint = [0; 32];
            fingerprint[..8].copy_from_slice(&number.to_be_bytes());
            cache.insert(cache.generation(), fingerprint, &verified());
        }
        assert_eq!(cache.0.read().unwrap().found.len(), 1);
    }

    #[test]
    fn a_credential_ends_at_its_time_and_is_noted_once_a_minute() {
        let (verified, at) = (verified(), |seconds| DateTime::from_timestamp(seconds, 0).unwrap());
        assert!(!verified.has_expired(at(599)));
        assert!(verified.has_expired(at(600)));
        let noted: Vec<bool> =
            [0, 1, 59, 60, 119, 180].map(|second| verified.is_first_use(at(second))).into();
        assert_eq!(noted, [true, false, false, true, false, true]);
    }
}
