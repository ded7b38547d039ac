//! What goes wrong, when and where: drawn from a seed, so that a run can be had again.

use std::time::Duration;

/// Numbers that look random and follow from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// One below the bound.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// What can be done to servers and database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// `kill -9` of a server, and a new one.
    Kill,
    /// `kill -9` of all servers at once, and new ones.
    KillAll,
    /// `SIGTERM` to a server, and a new one.
    Terminate,
    /// `SIGSTOP` to a server until others have taken its jobs, then `SIGCONT`.
    Stop,
    /// Some connections of the servers are cut, whatever they are for.
    Cut,
    /// All connections of one role are cut.
    CutRole,
    /// The connections are cut over which servers tell each other what is new.
    CutListen,
    /// The database stops at once, as in a crash, and starts again.
    Restart,
    /// The queue is paused for a while.
    Pause,
    /// Many jobs of another kind are made and cancelled at once.
    Cancel,
}

impl Fault {
    /// Each with how often it is drawn beside the others.
    pub(crate) const ALL: [(Self, u64); 10] = [
        (Self::Kill, 20),
        (Self::KillAll, 3),
        (Self::Terminate, 12),
        (Self::Stop, 10),
        (Self::Cut, 14),
        (Self::CutRole, 12),
        (Self::CutListen, 9),
        (Self::Restart, 5),
        (Self::Pause, 6),
        (Self::Cancel, 9),
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill -9 of a server",
            Self::KillAll => "kill -9 of all servers",
            Self::Terminate => "SIGTERM to a server",
            Self::Stop => "SIGSTOP past the lease, SIGCONT",
            Self::Cut => "connections cut, any",
            Self::CutRole => "connections cut, one role",
            Self::CutListen => "connections cut, LISTEN",
            Self::Restart => "immediate database restart",
            Self::Pause => "queue paused",
            Self::Cancel => "burst of cancels",
        }
    }

    /// Whether its worker is gone for the others when this happens to a server.
    pub(crate) fn is_death(self) -> bool {
        matches!(self, Self::Kill | Self::KillAll | Self::Stop)
    }

    /// Whether an attempt may end otherwise than it would have because of this.
    pub(crate) fn disturbs(self) -> bool {
        !matches!(self, Self::Pause | Self::Cancel)
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    pub(crate) fault: Fault,
    /// How long after the one before.
    pub(crate) after: Duration,
    /// How long it lasts, where it lasts.
    pub(crate) lasts: Duration,
    /// Chooses whom it meets.
    pub(crate) pick: u64,
}

/// All that goes wrong, without an end.
pub(crate) struct Deeds {
    draw: Draw,
    count: u64,
}

impl Deeds {
    pub(crate) fn new(seed: u64) -> Self {
        Self { draw: Draw::new(seed), count: 0 }
    }
}

impl Iterator for Deeds {
    type Item = Deed;

    fn next(&mut self) -> Option<Deed> {
        self.count += 1;
        let weights: u64 = Fault::ALL.iter().map(|(_, weight)| weight).sum();
        let mut at = self.draw.below(weights);
        let chosen = Fault::ALL.iter().find(|(_, weight)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        // Now and then everything has the time to calm down: what happens then has no excuse.
        let after = if self.count.is_multiple_of(12) {
            self.draw.milliseconds(9_000, 13_000)
        } else {
            self.draw.milliseconds(100, 3_000)
        };
        let lasts = self.draw.milliseconds(500, 3_000);
        let pick = self.draw.next();
        Some(Deed { fault: chosen.map_or(Fault::Kill, |(fault, _)| *fault), after, lasts, pick })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_deeds_and_another_gives_others() {
        let deeds = |seed| Deeds::new(seed).take(200).collect::<Vec<_>>();
        assert_eq!(deeds(7), deeds(7));
        assert_ne!(deeds(7), deeds(8));
    }

    #[test]
    fn five_minutes_hold_every_fault_and_times_without_any() {
        for seed in 0..20 {
            let (mut time, mut seen, mut calm) = (Duration::ZERO, HashSet::new(), 0);
            for deed in Deeds::new(seed) {
                time += deed.after;
                if time > Duration::from_secs(300) {
                    break;
                }
                seen.insert(deed.fault);
                calm += usize::from(deed.after > Duration::from_secs(8));
            }
            assert!(seen.len() >= 9, "{seed}: {seen:?}");
            assert!(calm >= 5, "{seed}: {calm}");
        }
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut draw = Draw::new(1);
        let seen: HashSet<u64> = (0..1000).map(|_| draw.below(10)).collect();
        assert_eq!(seen, (0..10).collect());
        assert_eq!(draw.below(0), 0);
    }
}
