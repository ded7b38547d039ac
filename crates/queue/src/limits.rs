//! Queues that have limits of their own: which, and when it is worth asking them again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use mindflight_store::jobs::Hold;
use tokio::time::Instant;

/// Queues of which only so many jobs run or start at once, as this process last read it.
#[derive(Default)]
pub(crate) struct Limited(RwLock<BTreeSet<i16>>);

impl Limited {
    pub(crate) fn replace(&self, queues: impl IntoIterator<Item = i16>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = queues.into_iter().collect();
    }

    pub(crate) fn has(&self, queue: i16) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains(&queue)
    }

    /// All of them: an attempt has ended here, and may have been of any.
    pub(crate) fn all(&self) -> Vec<i16> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// Queues that give no jobs for a while.
#[derive(Default)]
pub(crate) struct Holds(HashMap<i16, (Hold, Instant)>);

impl Holds {
    /// A queue gives no more for now. When slots come back elsewhere nobody says, so they are looked for after `poll`.
    pub(crate) fn add(&mut self, queue: i16, hold: Hold, (now, poll): (Instant, Duration)) {
        let wait = match hold {
            Hold::Slots => poll,
            // A millisecond more, or the timer could fire just too early for the database's clock.
            Hold::Rate(wait) => wait + Duration::from_millis(1),
        };
        self.0.insert(queue, (hold, now + wait));
    }

    /// Somebody says that a queue has jobs: whether it is worth asking. Only time brings what a rate holds.
    pub(crate) fn is_worth(&mut self, queue: i16, now: Instant) -> bool {
        match self.0.get(&queue) {
            Some((Hold::Rate(_), until)) if *until > now => false,
            _ => {
                self.0.remove(&queue);
                true
            }
        }
    }

    /// Whether a queue gives no jobs now.
    pub(crate) fn has(&self, queue: i16) -> bool {
        self.0.contains_key(&queue)
    }

    /// The queues that are worth asking again.
    pub(crate) fn over(&mut self, now: Instant) -> Vec<i16> {
        let over: Vec<i16> = self
            .0
            .iter()
            .filter(|(_, (_, until))| *until <= now)
            .map(|(queue, _)| *queue)
            .collect();
        self.0.retain(|_, (_, until)| *until > now);
        over
    }

    /// When the next is worth asking again.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.values().map(|(_, until)| *until).min()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ends_a_hold_and_a_word_only_that_of_slots() {
        let (now, mut holds) = (Instant::now(), Holds::default());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert!(holds.is_worth(1, now) && holds.next().is_none());
        let wait = Duration::from_secs(5) - Duration::from_millis(1);
        let slots = |holds: &mut Holds| holds.add(2, Hold::Slots, (now, Duration::from_secs(7)));
        holds.add(1, Hold::Rate(wait), (now, Duration::from_secs(7)));
        slots(&mut holds);
        assert_eq!(holds.next(), Some(at(5)));
        assert!(!holds.is_worth(1, now) && holds.has(1) && holds.has(2));
        assert!(holds.is_worth(2, now) && !holds.has(2));
        slots(&mut holds);
        assert!(holds.over(at(4)).is_empty());
        assert_eq!(holds.over(at(5)), [1]);
        assert_eq!((holds.has(1), holds.next()), (false, Some(at(7))));
        holds.clear();
        assert_eq!(holds.next(), None);
    }
}
