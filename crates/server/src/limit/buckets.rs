//! Leaky buckets by key (the generic cell rate algorithm), in bounded memory.
//!
//! Written here because keys have quotas of their own, failures are looked at before they are counted,
//! and tests move the clock.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Time;

/// Locks; as many callers as cores rarely meet at one.
const SHARDS: usize = 16;

/// So many in a while, all at once or spread over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    count: u32,
    window: Duration,
}

impl Quota {
    /// At least one: nothing at all is a matter of scopes.
    pub(crate) fn per_minute(count: u32) -> Self {
        Self { count: count.max(1), window: Duration::from_secs(60) }
    }

    pub(crate) fn count(self) -> u32 {
        self.count
    }

    pub(crate) fn window(self) -> Duration {
        self.window
    }

    fn micros(self) -> i64 {
        i64::try_from(self.window.as_micros()).unwrap_or(i64::MAX)
    }

    /// Microseconds after which one more is allowed.
    fn step(self) -> i64 {
        (self.micros() / i64::from(self.count)).max(1)
    }

    fn whole(self) -> i64 {
        self.step().saturating_mul(i64::from(self.count))
    }
}

/// How full a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// How many more are allowed now.
    pub(crate) remaining: u32,
    /// When all of the quota is there again.
    pub(crate) full_after: chrono::Duration,
    /// Refused: how long until one is allowed.
    pub(crate) wait: Option<chrono::Duration>,
}

/// For each key, the time in microseconds at which its bucket is empty again.
pub(crate) struct Buckets<K> {
    shards: [Mutex<HashMap<K, i64>>; SHARDS],
    hasher: RandomState,
    most_in_shard: usize,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Remembers about `most` keys; beyond that it forgets one to learn another.
    pub(crate) fn new(most: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::new(HashMap::new()));
        Self { shards, hasher: RandomState::new(), most_in_shard: most.div_ceil(SHARDS).max(1) }
    }

    /// Counts one, if it is allowed.
    pub(crate) fn take(&self, key: K, quota: Quota, now: Time) -> Level {
        let now = now.timestamp_micros();
        self.with(&key, |shard| {
            let empty_at = current(shard.get(&key), quota, now);
            if free(empty_at, quota, now) < quota.step() {
                return level(empty_at, quota, now);
            }
            if shard.len() >= self.most_in_shard && !shard.contains_key(&key) {
                make_room(shard, now);
            }
            let empty_at = empty_at + quota.step();
            shard.insert(key.clone(), empty_at);
            Level { wait: None, ..level(empty_at, quota, now) }
        })
    }

    /// Looks without counting.
    pub(crate) fn look(&self, key: &K, quota: Quota, now: Time) -> Level {
        let now = now.timestamp_micros();
        self.with(key, |shard| level(current(shard.get(key), quota, now), quota, now))
    }

    /// Forgets the keys that have all of their quota.
    pub(crate) fn forget_full(&self, now: Time) {
        let now = now.timestamp_micros();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, empty_at| *empty_at > now);
            shard.shrink_to_fit();
        }
    }

    fn with<T>(&self, key: &K, act: impl FnOnce(&mut HashMap<K, i64>) -> T) -> T {
        let hash = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or_default();
        act(&mut self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// The stored time, which is never before now, nor further away than a full bucket takes: the
/// machine's clock may have been set back, and the quota may have changed.
fn current(stored: Option<&i64>, quota: Quota, now: i64) -> i64 {
    stored.copied().unwrap_or(now).clamp(now, now.saturating_add(quota.whole()))
}

fn free(empty_at: i64, quota: Quota, now: i64) -> i64 {
    now.saturating_add(quota.whole()).saturating_sub(empty_at)
}

fn level(empty_at: i64, quota: Quota, now: i64) -> Level {
    let free = free(empty_at, quota, now);
    let wait = quota.step() - free;
    Level {
        remaining: u32::try_from(free / quota.step()).unwrap_or(u32::MAX),
        full_after: chrono::Duration::microseconds(empty_at - now),
        wait: (wait > 0).then(|| chrono::Duration::microseconds(wait)),
    }
}

/// Forgets whoever is idle, or else anybody: whoever can come from so many places is not held by a limit.
fn make_room<K: Hash + Eq + Clone>(shard: &mut HashMap<K, i64>, now: i64) {
    let before = shard.len();
    shard.retain(|_, empty_at| *empty_at > now);
    if shard.len() == before
        && let Some(any) = shard.keys().next().cloned()
    {
        shard.remove(&any);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration};

    use super::*;

    fn at(seconds: i64) -> Time {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_quota_is_used_up_and_comes_back_bit_by_bit() {
        let (buckets, quota) = (Buckets::new(10), Quota::per_minute(6));
        for remaining in (0..6).rev() {
            let level = buckets.take("a", quota, at(0));
            assert_eq!((level.remaining, level.wait), (remaining, None));
        }
        let refused = buckets.take("a", quota, at(0));
        assert_eq!((refused.remaining, refused.wait), (0, Some(Duration::seconds(10))));
        assert_eq!(refused.full_after, Duration::seconds(60));
        assert_eq!(buckets.take("a", quota, at(9)).wait, Some(Duration::seconds(1)));
        assert_eq!(buckets.take("a", quota, at(10)).wait, None);
        assert_eq!(buckets.look(&"a", quota, at(40)).remaining, 3);
        assert_eq!(buckets.look(&"a", quota, at(70)).remaining, 6);
        assert_eq!(buckets.look(&"b", quota, at(0)).remaining, 6);
    }

    #[test]
    fn every_quota_gives_exactly_its_count() {
        for count in [1, 2, 3, 7, 100, 1_000, 100_000] {
            let (buckets, quota) = (Buckets::new(10), Quota::per_minute(count));
            let taken =
                (0..count).filter(|_| buckets.take((), quota, at(0)).wait.is_none()).count();
            assert_eq!(taken, count as usize);
            assert!(buckets.take((), quota, at(0)).wait.is_some(), "{count}");
        }
        // More than there are microseconds.
        assert!(Buckets::new(1).take((), Quota::per_minute(u32::MAX), at(0)).wait.is_none());
    }

    #[test]
    fn looking_counts_nothing() {
        let (buckets, quota) = (Buckets::new(10), Quota::per_minute(1));
        for _ in 0..3 {
            assert_eq!(buckets.look(&"a", quota, at(0)).wait, None);
        }
        assert_eq!(buckets.take("a", quota, at(0)).wait, None);
        assert_eq!(buckets.look(&"a", quota, at(0)).wait, Some(Duration::seconds(60)));
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out_for_longer_than_the_window() {
        let (buckets, quota) = (Buckets::new(10), Quota::per_minute(1));
        buckets.take("a", quota, at(100_000));
        assert_eq!(buckets.take("a", quota, at(0)).wait, Some(Duration::seconds(60)));
    }

    #[test]
    fn memory_is_bounded_and_the_idle_are_forgotten() {
        let (buckets, quota) = (Buckets::new(160), Quota::per_minute(60));
        for key in 0..10_000 {
            buckets.take(key, quota, at(0));
        }
        assert!(buckets.len() <= 160);
        buckets.forget_full(at(2));
        assert_eq!(buckets.len(), 0);
    }
}
