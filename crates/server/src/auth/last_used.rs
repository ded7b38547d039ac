//! When keys were last used: collected in memory, written together now and then.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use mindflight_api::KeyId;

/// Uses that were not written yet.
#[derive(Default)]
pub(super) struct LastUsed(Mutex<HashMap<KeyId, DateTime<Utc>>>);

impl LastUsed {
    /// Notes a use, to the minute: more would be a diary of its owner.
    pub(super) fn note(&self, key: KeyId, at: DateTime<Utc>) {
        let minute = at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at);
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = uses.entry(key).or_insert(minute);
        *latest = minute.max(*latest);
    }

    /// What is to be written; noted again if that fails.
    pub(super) fn take(&self) -> Vec<(KeyId, DateTime<Utc>)> {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        uses.drain().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_minute_of_each_key_is_written_once() {
        let (uses, key) = (LastUsed::default(), KeyId::new());
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        uses.note(key, at(125));
        uses.note(key, at(61));
        assert_eq!(uses.take(), [(key, at(120))]);
        assert_eq!(uses.take(), []);
    }
}
